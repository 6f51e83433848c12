package shmpipe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"shmpipe/futex"
	"shmpipe/internal/fence"
	"shmpipe/internal/spin"
	"shmpipe/ring"
)

// waiting is what the two kinds of endpoint do differently while they wait.
type waiting interface {
	// look looks for what is waited for, up to spins times. First is true at the beginning of a wait.
	look(spins int, first bool) ring.Outcome
	// glance looks for a moment, and only that: the other side may be answering already. It reports whether it found something.
	glance() bool
	// vain says why waiting is in vain, or nil. Death is proved only if prove is set: that takes a system call.
	vain(prove bool) error
	// broken is the error after look returned Broken.
	broken() error
	// settle is called between saying that this side is about to sleep and the last look. It returns how long to sleep at most.
	settle() time.Duration
	// waits and parks are told that a wait, or a sleep, begins.
	waits()
	parks()
}

// waiter is how an endpoint waits, and what it has learned of it.
type waiter struct {
	spins   bool   // at all
	glances bool   // before it waits; see ring.Consumer.Glance
	always  bool   // never sleep
	shares  bool   // this process has one processor: the other side may need it
	looks   int    // between two checks of the context
	most    uint64 // ticks: the longest spin
	least   uint64 // ticks: the shortest
	budget  uint64 // ticks: the present spin
	rested  bool   // the flag has been up for some time
}

const (
	spinLooks  = 64                    // looks between two checks of the context; some microseconds
	leastSpin  = 2                     // microseconds
	firstNap   = 20 * time.Millisecond // a sleep whose flag has only just been raised; see barrier
	longest    = 2 * time.Second       // a sleep, in case that all reasoning about wake-ups is wrong
	spinChecks = 10 * time.Millisecond // between two proofs that the peer lives, for who never sleeps
)

func newWaiter(o Options) waiter {
	perMicro := spin.TicksPerMicrosecond()
	w := waiter{looks: spinLooks, most: uint64(o.Spin.Microseconds()) * perMicro}
	w.least = min(leastSpin*perMicro, w.most)
	w.budget = w.most
	one := runtime.GOMAXPROCS(0) == 1
	if one {
		// Then let the other goroutines run: one of them may be the other side. Otherwise they have processors of their own, and
		// yielding is dear for a goroutine that is locked to its thread, as those of pinned programs are: some 10 microseconds.
		w.looks = 1
	}
	// A process that is bound to one processor may well spin: the other side is bound to another one, as a rule. If not, adaptive
	// spinning soon finds that it never succeeds. But a process that was given less than its processors (a quota) should not waste it.
	quota := one && runtime.NumCPU() > 1
	several := onlineCPUs() > 1
	w.spins = several && (o.Wait == WaitSpin || o.Wait == WaitAdaptive && !quota)
	w.always = several && o.Wait == WaitSpin
	w.shares = runtime.NumCPU() == 1
	w.glances = w.spins && !one && !w.shares && (w.always || w.most > 0)
	return w
}

// onlineCPUs is how many processors the host has, whatever part of them this process may use.
var onlineCPUs = sync.OnceValue(func() int {
	b, err := os.ReadFile("/sys/devices/system/cpu/online") // such as 0-3,8-11
	if err != nil {
		return runtime.NumCPU()
	}
	n := 0
	for part := range strings.SplitSeq(strings.TrimSpace(string(b)), ",") {
		first, last, isRange := strings.Cut(part, "-")
		low, err := strconv.Atoi(first)
		high := low
		if err == nil && isRange {
			high, err = strconv.Atoi(last)
		}
		if err != nil {
			return runtime.NumCPU()
		}
		n += high - low + 1
	}
	return n
})

// wait waits until look finds something, and returns nil; or until that is in vain, the endpoint is closed, or ctx is done.
// This is the only place that knows of contexts and of the futex.
func (e *endpoint) wait(ctx context.Context, s waiting) error {
	ended := false
	defer func() {
		if !ended { // ctx is foreign code (or nil) and panicked: a deferred Close must not wait for this method
			e.leave()
		}
	}()
	err := e.waitInside(ctx, s)
	ended = true
	return err
}

func (e *endpoint) waitInside(ctx context.Context, s waiting) error {
	s.waits()
	done := ctx.Done()
	// In an MPMC ring, a look that found something is no promise, so the caller may come again and again, for ever in a ring that
	// somebody has wrecked.
	if err := e.stopped(ctx, done); err != nil {
		return err
	}
	if e.waiter.glances && s.glance() {
		e.waiter.spunWell()
		return nil
	}
	if e.waiter.spins {
		if found, err := e.spin(ctx, done, s); found || err != nil {
			return err
		}
	}
	return e.park(ctx, done, s)
}

// spin looks for as long as the budget says. It reports whether it found something.
func (e *endpoint) spin(ctx context.Context, done <-chan struct{}, s waiting) (bool, error) {
	w := &e.waiter
	start := spin.Ticks()
	check := spin.TicksPerMicrosecond() * uint64(spinChecks.Microseconds())
	proved := start
	for first := true; ; first = false {
		if found, err := e.found(s, s.look(w.looks, first)); found || err != nil {
			if found {
				w.spunWell()
			}
			return found, err
		}
		if err := e.stopped(ctx, done); err != nil {
			return false, err
		}
		now := spin.Ticks()
		prove := w.always && now-proved > check
		if prove {
			proved = now
		}
		if found, err := e.inVain(s, prove); found || err != nil {
			return found, err
		}
		if !w.always && now-start > w.budget {
			w.budget = max(w.least, w.budget/2)
			return false, nil
		}
		if w.looks == 1 {
			runtime.Gosched()
		}
		if w.always && w.shares {
			futex.Yield()
		}
	}
}

// spunWell has the next spin last longer: this one found something.
func (w *waiter) spunWell() { w.budget = min(w.most, 2*w.budget) }

// park sleeps until it is woken and finds something.
func (e *endpoint) park(ctx context.Context, done <-chan struct{}, s waiting) error {
	if found, err := e.found(s, s.look(1, !e.waiter.spins)); found || err != nil {
		return err
	}
	if done != nil {
		// A Set that comes after we have left wakes the next wait once, for nothing.
		stop := context.AfterFunc(ctx, e.cancel.Set)
		defer stop()
	}
	e.asleep.Store(true)
	defer e.asleep.Store(false)
	var last uint32
	timeout := false
	for {
		// The order matters, thrice. Reset, then look for closed, ctx and suspect: what is set later ends the sleep. Prepare, then look:
		// what is published later ends the sleep (the argument stands at futex.Gate). A proof of death, then look: what the dead
		// committed is found.
		e.cancel.Reset()
		if err := e.stopped(ctx, done); err != nil {
			return err
		}
		prove := e.suspect.Swap(false)
		seq := e.sleepOn.Prepare()
		e.waiter.rested = timeout && seq == last // who takes the flag down counts on
		last = seq
		most := s.settle()
		if found, err := e.found(s, s.look(1, false)); found || err != nil {
			return err
		}
		// Watch, then see who is there: whoever leaves later, or dies over that, is watched.
		if e.watchPeer(); e.poll.Load() {
			watcher.start()
		}
		if found, err := e.inVain(s, prove); found || err != nil {
			return err
		}
		s.parks()
		err := e.sleepOn.Sleep(seq, futex.Now()+int64(most), &e.cancel)
		if timeout = errors.Is(err, os.ErrDeadlineExceeded); err != nil && !timeout {
			return err
		}
		if timeout && most > firstNap {
			e.suspect.Store(true)
		}
	}
}

func (e *endpoint) found(s waiting, o ring.Outcome) (bool, error) {
	switch o {
	case ring.Done:
		return true, nil
	case ring.Empty, ring.Full:
		return false, nil
	default:
		return false, s.broken()
	}
}

// tellBroken wakes both sides after the ring was found broken, so that neither goes on waiting for it, and names the object.
func (e *endpoint) tellBroken(err error) error {
	e.sleepOn.Broadcast()
	e.wakeUp.Broadcast()
	return fmt.Errorf("%s: %w; remove the segment and make it anew", e.pipe.seg.Path(), err)
}

// stopped says why this side should stop waiting.
func (e *endpoint) stopped(ctx context.Context, done <-chan struct{}) error {
	if e.closed.Load() {
		return ErrClosed
	}
	select {
	case <-done: // never, if nil
		return ctx.Err()
	default:
		return nil
	}
}

// inVain says why nothing will come any more. The peer may have done something just before it went, so it looks once more, and
// reports whether that found something.
func (e *endpoint) inVain(s waiting, prove bool) (bool, error) {
	err := s.vain(prove)
	if err == nil {
		return false, nil
	}
	if found, lookErr := e.found(s, s.look(1, false)); found || lookErr != nil {
		return found, lookErr
	}
	if err == ErrPeerDied {
		e.suspect.Store(true) // nothing tells of it a second time: the next wait proves it anew
	}
	return false, err
}

// barrier is made by who is about to sleep, after it said so: others publish without a fence, so it makes one on their processors, or
// has them make it themselves. It returns how long to sleep at most.
//
// The first sleep is short, because neither is quite sure. Who published just before it saw that it must make a fence did so without one.
// And Linux leaves out a processor that was idle while a process registered for such barriers, if it comes back to that
// process without having run another in between (6.18; membarrier_switch_mm does nothing if the address space is the one that
// the idle processor had borrowed). When it is over, what was published without a fence before the flag was up can be seen, and what is
// published after that sees the flag. For that a microsecond would do, but a time-out that comes before the kernel's next tick (1 to 10
// milliseconds) has each sleep program the processor's timer, and each wake undo it: in a virtual machine, a fifth of a blocking round trip.
func (e *endpoint) barrier() time.Duration {
	if !fence.Global() {
		e.sleepOn.Strict()
	}
	if e.waiter.rested {
		return longest
	}
	return firstNap
}
