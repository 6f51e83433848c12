package shmpipe

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"shmpipe/internal/fence"
)

// guard lets Close be called at any time, from any goroutine, while methods of an endpoint run, and costs them next to nothing.
//
// A method stores "in use" and then loads "closed"; Close stores "closed" and then loads "in use". If neither saw the other,
// the memory could be unmapped under the method's feet, so a full barrier must stand between the store and the load on each
// side. The method does without: Close makes the barrier for all threads (package fence). After it, either the method's store
// is visible to Close, or the method's load comes later and sees "closed".
//
// Memory that the user looks at (a claim, a message, a callback that runs) is lent: Close does not wait for that, since it may
// have been called by the very goroutine that holds it. It leaves the rest of its work to whoever ends the loan.
type guard struct {
	use    useWord // written by the endpoint's user only
	closed atomic.Bool
	once   sync.Once
	// lentWhenClosed, if there is one, is called by Close when memory is lent. It may meet the end of the loan.
	lentWhenClosed func()

	detach func() error // runs once, when nobody is in and closed is set
	err    error        // of detach
}

// States of the use word.
const (
	useIdle uint32 = 0
	useIn   uint32 = 1 // a method runs; it ends by itself or sees closed. Two of them, by mistake, are 2
	useLent uint32 = 4 // the user has a view of the memory
)

// enter begins a method. It reports whether the method may go on; if not, the method returns what turnAway says. The user's loan, if there
// is one, ends with it; what that means is the method's business. It is small enough to be inlined.
func (g *guard) enter() bool {
	if g.use.load() == useIn {
		return false
	}
	g.use.store(useIn)
	return !g.closed.Load()
}

// turnAway ends a method that enter refused: because the endpoint is closed, or else because another method is in, which is left alone.
func (g *guard) turnAway() error {
	if !g.closed.Load() {
		concurrentUse()
	}
	g.leave()
	return ErrClosed
}

func concurrentUse() { panic("shmpipe: concurrent use of a Producer or Consumer") }

// leave ends a method, or a loan.
func (g *guard) leave() {
	g.use.store(useIdle)
	if g.closed.Load() {
		g.finish()
	}
}

// lend ends a method but leaves the user with a view of the memory.
func (g *guard) lend() { g.use.store(useLent) }

// close marks the endpoint closed, calls wake until no method runs any more, and detaches unless memory is lent.
func (g *guard) close(wake func()) error {
	g.closed.Store(true)
	fence.Process()
	for pause := time.Microsecond; ; pause = min(2*pause, time.Millisecond) {
		switch g.use.load() {
		case useIdle:
			g.finish()
			return g.err
		case useLent:
			if g.lentWhenClosed != nil {
				g.lentWhenClosed()
			}
			return nil
		}
		wake()
		runtime.Gosched()
		time.Sleep(pause)
	}
}

//go:noinline
func (g *guard) finish() { g.once.Do(func() { g.err = g.detach() }) }
