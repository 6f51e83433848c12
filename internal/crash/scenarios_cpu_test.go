//go:build linux

package crash_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func init() { roles["pump"] = rolePump }

// oneProcessor binds all threads of this process, and those that they will start, to one processor.
func oneProcessor() error {
	var may, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &may); err != nil {
		return err
	}
	for cpu := range 8 * len(may) * 8 {
		if may.IsSet(cpu) {
			one.Set(cpu)
			break
		}
	}
	for range 3 { // a thread may start another one while we go through them
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range threads {
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(id, &one); err != nil && !errors.Is(err, unix.ESRCH) {
				return err
			}
		}
	}
	return nil
}

// rolePump sends and receives in one process, as so many producers and consumers, each a goroutine: name, wait strategy, producers,
// consumers, messages of each producer, and "bound" if it is to have one processor only. It says how many it received.
func rolePump(args []string) error {
	wait, err := shmpipe.ParseWaitStrategy(args[1])
	if err != nil {
		return err
	}
	var n [3]int
	for i := range n {
		if n[i], err = strconv.Atoi(args[2+i]); err != nil {
			return err
		}
	}
	if args[5] == "bound" {
		if err := oneProcessor(); err != nil {
			return err
		}
	}
	pipe, err := shmpipe.Open(args[0], &shmpipe.Options{Wait: wait, Producers: 3})
	if err != nil {
		return err
	}
	defer pipe.Close()
	results := make(chan error)
	var received atomic.Int64
	for range n[1] {
		c, err := pipe.Consumer()
		if err != nil {
			return err
		}
		go func() {
			for {
				_, err := c.Poll(context.Background(), 10, func([]byte) error { received.Add(1); return nil })
				if err == io.EOF {
					results <- c.Close()
					return
				}
				if err != nil {
					results <- err
					return
				}
			}
		}()
	}
	for range n[0] {
		p, err := pipe.Producer()
		if err != nil {
			return err
		}
		go func() {
			for range n[2] {
				if err := p.Send(context.Background(), make([]byte, 300)); err != nil {
					results <- err
					return
				}
			}
			results <- p.Close()
		}()
	}
	shmtest.Say("pumping")
	for range n[0] + n[1] {
		if err := <-results; err != nil {
			return err
		}
	}
	shmtest.Say("received %d", received.Load())
	return nil
}

// pump starts a pump on the ring.
func pump(t *testing.T, pipe *shmpipe.Pipe, wait shmpipe.WaitStrategy, producers, consumers, each int, bound string, env ...string) *shmtest.Process {
	t.Helper()
	info, err := pipe.Info()
	require.NoError(t, err)
	cmd := shmtest.Command(t, "pump", info.Name, wait.String(), strconv.Itoa(producers), strconv.Itoa(consumers), strconv.Itoa(each), bound)
	cmd.Env = append(cmd.Env, env...)
	p := shmtest.Start(t, cmd)
	p.Expect("pumping")
	return p
}

// received waits for the end of pumps and returns how many messages they received.
func received(t *testing.T, pumps ...*shmtest.Process) (sum int) {
	t.Helper()
	for _, p := range pumps {
		n, err := strconv.Atoi(strings.TrimPrefix(p.Line(), "received "))
		require.NoError(t, err)
		sum += n
		p.Wait()
	}
	return sum
}

var strategies = []shmpipe.WaitStrategy{shmpipe.WaitAdaptive, shmpipe.WaitSpin, shmpipe.WaitBlock}

// All in one process that runs one goroutine at a time: nobody may spin for another that does not get to run.
func TestScenario_ManyInOneProcessWithOneProcessorMakeProgress(t *testing.T) {
	for _, w := range strategies {
		for _, how := range []struct {
			name, bound string
			env         []string
		}{
			{"GOMAXPROCS=1", "free", []string{"GOMAXPROCS=1"}},
			{"bound", "bound", nil},
			{"bound, GOMAXPROCS=1", "bound", []string{"GOMAXPROCS=1"}},
		} {
			pipe := create(t, small, shmpipe.POSIX)
			each := scale(2000)
			if w == shmpipe.WaitSpin && how.bound == "bound" {
				each = 20 // it was promised a processor for each, and gets a time slice
			}
			start := time.Now()
			require.Equal(t, 3*each, received(t, pump(t, pipe, w, 3, 3, each, how.bound, how.env...)))
			t.Logf("%v, %s: %v a message", w, how.name, time.Since(start)/time.Duration(3*each))
		}
	}
}

// Several processes on one processor, and one of them is killed in between.
func TestScenario_SeveralProcessesOnOneProcessorMakeProgress(t *testing.T) {
	for _, w := range strategies {
		pipe := create(t, small, shmpipe.POSIX)
		each := scale(1000)
		if w == shmpipe.WaitSpin {
			each = 100
		}
		dead := join(t, pipe, "consumer")
		from := []*shmtest.Process{pump(t, pipe, w, 1, 0, each, "bound"), pump(t, pipe, w, 1, 0, each, "bound", "GOMAXPROCS=1"), pump(t, pipe, w, 1, 0, each, "bound")}
		ask(t, dead, "take") // before the others may have taken all there is
		to := []*shmtest.Process{pump(t, pipe, w, 0, 1, 0, "bound"), pump(t, pipe, w, 0, 1, 0, "bound", "GOMAXPROCS=1")}
		dead.Kill()
		start := time.Now()
		require.Equal(t, 3*each, received(t, append(from, to...)...))
		t.Logf("%v: %v a message", w, time.Since(start)/time.Duration(3*each))
	}
}
