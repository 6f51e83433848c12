package vyukov

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
)

// A message of the stress tests is its number, its producer in the upper half, followed by bytes that depend on the number.
func number(producer, i int) uint64 { return uint64(producer)<<32 | uint64(i) }

// tally is what one consumer got.
type tally struct {
	numbers []uint64
	last    map[uint64]uint64 // by producer, plus one
}

// note checks contents and order per producer.
func (v *tally) note(msg []byte) error {
	n := binary.LittleEndian.Uint64(msg)
	if want := message(len(msg), n); string(want) != string(msg) {
		return fmt.Errorf("message %#x is torn: %x, want %x", n, msg, want)
	}
	producer, i := n>>32, n&0xffffffff
	if i < v.last[producer] {
		return fmt.Errorf("message %d of producer %d came after %d", i, producer, v.last[producer]-1)
	}
	v.last[producer] = i + 1
	v.numbers = append(v.numbers, n)
	return nil
}

// eachOnce fails the test unless every message of every producer is there exactly once.
func eachOnce(t *testing.T, producers, count int, all ...[]uint64) {
	t.Helper()
	times := make(map[uint64]int)
	for _, numbers := range all {
		for _, n := range numbers {
			times[n]++
		}
	}
	require.Len(t, times, producers*count)
	for p := range producers {
		for i := range count {
			require.Equal(t, 1, times[number(p, i)], "message %d of producer %d", i, p)
		}
	}
}

func TestStress_EveryMessageComesExactlyOnceInItsProducersOrder(t *testing.T) {
	random := shmtest.Rand(t)
	for range 12 {
		producers, consumers := 1+random.IntN(4), 1+random.IntN(4)
		slots, payload, count := 2<<random.IntN(6), 8+random.IntN(90), 2000/producers
		t.Run(fmt.Sprintf("%dx%d,%d slots of %d", producers, consumers, slots, payload), func(t *testing.T) {
			q := inMemory(t, slots, payload)
			stress(t, q, producers, consumers, count)
		})
	}
}

func stress(t *testing.T, q *Queue, producers, consumers, count int) {
	var wg sync.WaitGroup
	var taken atomic.Int64
	limit := time.Now().Add(30 * time.Second)
	for p := range producers {
		wg.Go(func() {
			for i := range count {
				for !q.Enqueue(message(q.Payload(), number(p, i))) {
					if time.Now().After(limit) {
						t.Errorf("producer %d: no room for message %d", p, i)
						return
					}
					runtime.Gosched()
				}
			}
		})
	}
	tallies := make([]tally, consumers)
	for c := range tallies {
		v := &tallies[c]
		v.last = make(map[uint64]uint64)
		wg.Go(func() {
			buf := make([]byte, q.Payload())
			for taken.Load() < int64(producers*count) {
				n, ok := q.Dequeue(buf)
				if !ok {
					if time.Now().After(limit) {
						t.Errorf("consumer %d: %d of %d messages came in all", c, taken.Load(), producers*count)
						return
					}
					runtime.Gosched()
					continue
				}
				taken.Add(1)
				if err := v.note(buf[:n]); err != nil {
					t.Errorf("consumer %d: %v", c, err)
					return
				}
			}
		})
	}
	wg.Wait()
	all := make([][]uint64, 0, consumers)
	for _, v := range tallies {
		all = append(all, v.numbers)
	}
	eachOnce(t, producers, count, all...)
}

const (
	processCount   = 20_000 // messages of each producer
	processPayload = 72
)

// produceRole sends as producer args[1] to the queue in file args[0].
func produceRole(args []string) error {
	q, err := openRole(args[0])
	if err != nil {
		return err
	}
	defer q.Close()
	id, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	for i := range processCount {
		for !q.Enqueue(message(q.Payload(), number(id, i))) {
			runtime.Gosched()
		}
	}
	return nil
}

// consumeRole takes messages from the queue in file args[0] until as many are taken, by all, as args[1] says; then it says which.
func consumeRole(args []string) error {
	q, err := openRole(args[0])
	if err != nil {
		return err
	}
	defer q.Close()
	board, err := shmtest.OpenBoard(args[1])
	if err != nil {
		return err
	}
	want, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return err
	}
	v, buf := tally{last: make(map[uint64]uint64)}, make([]byte, q.Payload())
	for board.At(0).Load() < want {
		n, ok := q.Dequeue(buf)
		if !ok {
			runtime.Gosched()
			continue
		}
		board.At(0).Add(1)
		if err := v.note(buf[:n]); err != nil {
			return err
		}
	}
	shmtest.Say("%d", len(v.numbers))
	for _, n := range v.numbers {
		shmtest.Say("%d", n)
	}
	return nil
}

func openRole(path string) (*Queue, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Open(f)
}

func TestStress_BetweenProcesses(t *testing.T) {
	const producers, consumers = 2, 2
	_, path := inFile(t, 64, processPayload)
	board := shmtest.NewBoard(t, 1)
	var children []*shmtest.Process
	for range consumers {
		children = append(children, shmtest.Child(t, "consumer", path, board.Path, strconv.Itoa(producers*processCount)))
	}
	for p := range producers {
		shmtest.Child(t, "producer", path, strconv.Itoa(p))
	}
	var all [][]uint64
	for _, c := range children {
		count, err := strconv.Atoi(c.Line())
		require.NoError(t, err)
		numbers := make([]uint64, count)
		for i := range numbers {
			numbers[i], err = strconv.ParseUint(c.Line(), 10, 64)
			require.NoError(t, err)
		}
		all = append(all, numbers)
	}
	eachOnce(t, producers, processCount, all...)
}
