//go:build linux

package soak_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/futex"
	"shmpipe/internal/shmtest"
)

// chaos kills, stops and replaces workers.
type chaos struct {
	t *testing.T
	layout
	board
	order   order
	random  *rand.Rand
	pipe    *shmpipe.Pipe
	workers []place
	spares  []*shmtest.Process

	killed, stopped         int
	received                uint64        // by all, when last looked at
	idle                    time.Duration // for how long nothing was sent or received
	looked                  time.Time
	longestAll, longestEach time.Duration
}

// place is a worker's: one process after the other has it.
type place struct {
	order
	process *shmtest.Process
	until   time.Time     // when it goes on, if it is stopped
	calls   uint64        // of its methods, when last looked at
	waits   time.Duration // for how long it has been in one of them, without an excuse
}

func newChaos(t *testing.T, l layout, limit time.Duration, seed uint64) *chaos {
	geo := shmpipe.Geometry{Mode: l.mode, Capacity: l.capacity}
	if l.mode == shmpipe.MPMC {
		geo.Participants = 16
	}
	name := shmtest.TempName(t)
	pipe, err := shmpipe.Create(name, geo, &shmpipe.Options{Backend: l.backend, Follow: true})
	require.NoError(t, err)
	t.Cleanup(func() { pipe.Close() })
	info, err := pipe.Info()
	require.NoError(t, err)
	each := 1<<20 + int(limit.Seconds()*400e3)&^15 // more than a producer can send
	b := shmtest.NewBoard(t, boardWords(l.producers, each))
	c := &chaos{t: t, layout: l, board: newBoard(b, l.producers, each), random: shmtest.NewRand(seed), pipe: pipe, looked: time.Now()}
	c.order = order{backend: l.backend, name: name, board: b.Path, senders: l.producers, each: each, most: min(info.MaxMessage, 4000)}
	if l.backend == shmpipe.Memfd {
		c.order.name = "-"
	}
	for i := range l.producers + l.consumers {
		o := c.order
		o.worker, o.sends, o.sender = i, i < l.producers, i
		c.workers = append(c.workers, place{order: o})
	}
	return c
}

// spare is a process that nobody has told anything yet.
func (c *chaos) spare() *shmtest.Process {
	for len(c.spares) < 2 {
		cmd := shmtest.Command(c.t, "worker")
		if c.backend == shmpipe.Memfd {
			f, err := c.pipe.File()
			require.NoError(c.t, err)
			defer f.Close()
			cmd.ExtraFiles = []*os.File{f}
		}
		c.spares = append(c.spares, shmtest.Start(c.t, cmd))
	}
	p := c.spares[0]
	c.spares = c.spares[1:]
	return p
}

// replace gives a place to a new process. The one before is dead.
func (c *chaos) replace(w *place) {
	w.process, w.until, w.waits = c.spare(), time.Time{}, 0
	o := w.order
	o.seed = c.random.Uint64()
	w.process.Tell(o.String())
}

func (c *chaos) kill(w *place) {
	if w.process == nil {
		return
	}
	w.process.Kill()
	w.process = nil
	c.At(wAttached + w.worker).Store(0)
	c.At(wWaiting + w.worker).Store(0)
	c.killed++
}

// strike does something to somebody, and now and then to several at once.
func (c *chaos) strike() {
	c.carryOnSome()
	for range []int{1, 1, 1, 2, 3}[c.random.IntN(5)] {
		w := &c.workers[c.random.IntN(len(c.workers))]
		switch what := c.random.IntN(10); {
		case w.process == nil:
			c.replace(w)
		case what < 5:
			c.kill(w)
			if c.random.IntN(4) > 0 {
				c.replace(w)
			}
		case what < 8 && w.until.IsZero():
			w.process.Signal(syscall.SIGSTOP)
			w.until = time.Now().Add(time.Duration(1+c.random.IntN(60)) * time.Millisecond)
			c.stopped++
		}
	}
}

// carryOnSome continues those who have been stopped for long enough.
func (c *chaos) carryOnSome() {
	for i := range c.workers {
		if w := &c.workers[i]; w.process != nil && !w.until.IsZero() && time.Now().After(w.until) {
			w.process.Signal(syscall.SIGCONT)
			w.until = time.Time{}
		}
	}
}

// carryOn continues all, and fills each place.
func (c *chaos) carryOn() {
	for i := range c.workers {
		w := &c.workers[i]
		if w.process == nil {
			c.replace(w)
		} else if !w.until.IsZero() {
			w.process.Signal(syscall.SIGCONT)
			w.until = time.Time{}
		}
	}
}

// pause lets the workers work, and watches them.
func (c *chaos) pause(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		c.watch()
	}
}

// watch looks whether the workers make progress. Time in which one of them is stopped does not count, nor does time in which nobody is
// there to send, or to receive: what one end waits for may be the other's. Time that this process itself was kept from looking counts
// for no more than a tick.
func (c *chaos) watch() {
	c.carryOnSome()
	now := time.Now()
	tick := min(now.Sub(c.looked), 10*time.Millisecond)
	c.looked = now
	sends, receives, excused := false, false, false
	for i := range c.workers {
		w := &c.workers[i]
		excused = excused || !w.until.IsZero()
		there := w.process != nil && c.At(wAttached+w.worker).Load() != 0
		sends, receives = sends || there && w.sends, receives || there && !w.sends
	}
	excused = excused || !sends || !receives
	stats, err := c.pipe.Stats()
	require.NoError(c.t, err)
	switch progress := stats.Received + stats.Sent; {
	case progress != c.received:
		c.received, c.idle = progress, 0
	case !excused:
		c.idle += tick
	}
	c.longestAll = max(c.longestAll, c.idle)
	if c.idle > boundAll {
		c.fail("nobody has sent or received anything for %v", c.idle)
	}
	for i := range c.workers {
		w := &c.workers[i]
		calls, since := c.At(wCalls+w.worker).Load(), c.At(wWaiting+w.worker).Load()
		if calls != w.calls || since == 0 {
			w.calls, w.waits = calls, 0
		} else if !excused && (w.sends || stats.Backlog > 0) {
			w.waits += tick
		}
		c.longestEach = max(c.longestEach, w.waits)
		if w.waits > boundEach {
			c.fail("worker %d (sends: %v, pid %d) waits since %v", i, w.sends, w.process.Process.Pid, time.Duration(futex.Now()-int64(since)))
		}
	}
}

// fail fails the test and says how things stand.
func (c *chaos) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	info, err := c.pipe.Info()
	require.NoError(c.t, err)
	stats, err := c.pipe.Stats()
	require.NoError(c.t, err)
	text += "\n" + stats.String()
	for _, p := range info.Participants {
		text += "\n" + p.String()
	}
	for _, b := range info.Blocking {
		text += "\nblocking: " + b.String()
	}
	for i := range c.workers {
		if p := c.workers[i].process; p != nil {
			_ = p.Process.Signal(syscall.SIGQUIT) // it prints its stacks
			time.Sleep(300 * time.Millisecond)
		}
	}
	c.t.Fatal(text)
}

// leave waits until the producers, or the consumers, have left in order.
func (c *chaos) leave(producers bool) {
	for i := range c.workers {
		if w := &c.workers[i]; w.sends == producers {
			w.process.Wait()
			w.process = nil
		}
	}
}
