package ring

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/anishathalye/porcupine"
	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
)

// queueOp is an operation on a queue of numbers that has succeeded, but for the one that found nothing.
type queueOp struct {
	op string // "enqueue", "dequeue" or "empty"
	id rune
}

// fifo is the queue that an MPMC ring is, if nobody dies and nobody leaves. A batch is one element: it is claimed at once and taken at
// once.
//
// An enqueue takes effect when the frame is claimed, and a dequeue when it is taken. Between claim and commit, consumers wait for the
// claimed frame and take none behind it, so what is taken is always the oldest claim. A claim that was aborted is no
// operation.
//
// That a consumer found nothing is no operation either. It says only that the oldest claim was not committed then. Another producer
// may have sent a message behind that, from beginning to end, so the queue was not empty by any order of the operations. In the same
// way Full says only that the granules at the tail are not free, of whatever frame.
var fifo = porcupine.Model{
	Init: func() any { return "" },
	Step: func(state, input, _ any) (bool, any) {
		queue, op := state.(string), input.(queueOp)
		switch op.op {
		case "enqueue":
			return true, queue + string(op.id)
		case "empty":
			return queue == "", queue
		}
		rest, ok := strings.CutPrefix(queue, string(op.id))
		return ok, rest
	},
	DescribeOperation: func(input, _ any) string { return fmt.Sprint(input) },
}

// history is what concurrent participants did, each with when it began and ended.
type history struct {
	clock atomic.Int64
	mu    sync.Mutex
	ops   []porcupine.Operation
}

// note notes an operation that began at some time and ends now.
func (h *history) note(client int, op string, id rune, began int64) {
	ended := h.clock.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Input: queueOp{op, id}, Call: began, Return: ended})
}

func (h *history) check() porcupine.CheckResult {
	return porcupine.CheckOperationsTimeout(fifo, h.ops, shmtest.Patience)
}

// linearWindow is a short run of some producers and consumers on a fresh ring.
type linearWindow struct {
	history
	m        MPMCMemory
	each     int // elements of each producer
	ids      atomic.Int32
	received atomic.Int32 // elements
	messages atomic.Int32 // sent and not received
	total    int32
	err      atomic.Pointer[error]
}

func (w *linearWindow) fail(err error) { w.err.CompareAndSwap(nil, &err) }

// element is a message of an element: the only one, or one of a batch.
func element(id rune, index, length int) []byte {
	b := slices.Repeat([]byte{byte(id)}, elementHeader+length)
	le.PutUint32(b, uint32(id))
	le.PutUint32(b[4:], uint32(index))
	return b
}

const elementHeader = 8

func (w *linearWindow) produce(client int, p *MPMCProducer, rng *rand.Rand) {
	for sent := 0; sent < w.each && w.err.Load() == nil; {
		id, length, kind := rune(w.ids.Add(1)), rng.IntN(100), rng.IntN(5)
		began := w.clock.Add(1)
		n, o := 1, Done
		switch kind {
		case 0, 1: // claim, and commit after a while, or think better of it
			var space []byte
			if space, o = p.Claim(uint64(elementHeader + length)); o == Done {
				for range rng.IntN(3) {
					runtime.Gosched()
				}
				if kind == 0 {
					copy(space, element(id, 0, length))
					o = p.Commit(uint64(len(space)), 1)
				} else {
					n, o = 0, p.Abort()
				}
			}
		case 2:
			batch := make([][]byte, 2+rng.IntN(3))
			for i := range batch {
				batch[i] = element(id, i, length/4)
			}
			n, o = p.SendBatch(batch, 1) // if less than all were sent, those are the element
		default:
			o = p.Send(element(id, 0, length), 1)
		}
		switch {
		case o == Full:
			runtime.Gosched()
		case o != Done:
			w.fail(fmt.Errorf("producer %d: %v: %w", client, o, p.Err()))
		case n > 0:
			w.note(client, "enqueue", id, began)
			w.messages.Add(int32(n))
			sent++
		}
	}
}

func (w *linearWindow) consume(client int, c *MPMCConsumer, rng *rand.Rand) {
	var id, next uint32
	for w.err.Load() == nil && (c.Held() || w.received.Load() < w.total) {
		began := w.clock.Add(1)
		payload, _, o := c.Next()
		if o == Empty {
			runtime.Gosched()
			continue
		}
		if o != Done || len(payload) < elementHeader {
			w.fail(fmt.Errorf("consumer %d: %v, %d bytes: %w", client, o, len(payload), c.Err()))
			return
		}
		w.messages.Add(-1)
		of, index := le.Uint32(payload), le.Uint32(payload[4:])
		if index == 0 {
			w.note(client, "dequeue", rune(of), began)
			w.received.Add(1)
			id, next = of, 0
		}
		if of != id || index != next || slices.ContainsFunc(payload[elementHeader:], func(b byte) bool { return b != byte(id) }) {
			w.fail(fmt.Errorf("consumer %d: message %d of element %d, want message %d of %d, whole", client, index, of, next, id))
			return
		}
		next++
		if rng.IntN(3) == 0 {
			runtime.Gosched()
		}
		c.Release() // if there is one in hand after that, it is the next of the batch
	}
}

// runWindow runs one.
func runWindow(t *testing.T, rng *rand.Rand) *linearWindow {
	producers, consumers := 1+rng.IntN(3), 1+rng.IntN(3)
	w := &linearWindow{m: crowdAt(newCrowdMemory(fewGranules, smallGranule, 1), rng.Uint64N(1<<40)), each: 2 + rng.IntN(31)}
	w.total = int32(producers * w.each)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range producers + consumers {
		rng := shmtest.NewRand(rng.Uint64())
		run := func() { w.consume(i, mustConsumer(t, w.m, uint8(i)), rng) }
		if i < producers {
			run = func() { w.produce(i, mustProducer(t, w.m, uint8(i)), rng) }
		}
		all.Go(func() {
			<-start
			run()
		})
	}
	close(start)
	shmtest.Within(t, shmtest.Patience, "a window", all.Wait)
	if err := w.err.Load(); err != nil {
		require.NoError(t, *err)
	}
	require.Zero(t, w.messages.Load())
	return w
}

func TestMPMC_IsAFIFOQueue(t *testing.T) {
	rng := shmtest.Rand(t)
	windows, concurrent := 1000, 0
	if testing.Short() {
		windows = 100
	}
	for i := range windows {
		w := runWindow(t, rng)
		require.Equal(t, porcupine.Ok, w.check(), "window %d: %v", i, w.ops)
		require.Len(t, w.ops, 2*int(w.total))
		concurrent += overlaps(w.ops)
	}
	require.NotZero(t, concurrent)
	t.Logf("%d windows, %d pairs of operations that overlapped", windows, concurrent)
}
