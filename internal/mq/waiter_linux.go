package mq

import (
	"sync"
	"time"
)

// Waiter lets other goroutines end a wait. Each goroutine that waits has its own.
type Waiter struct {
	mu     sync.Mutex
	set    bool   // waits shall end
	wake   func() // ends the wait that runs; nil if none does
	kicked bool   // the wait that runs shall end; the one behind it is another matter
	pusher bool   // somebody repeats wake
}

// NewWaiter makes one.
func NewWaiter() *Waiter { return &Waiter{} }

// Interrupt ends the wait that runs, or the next one, with ErrInterrupted, until Reset. Any goroutine may call it at any time.
func (w *Waiter) Interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.set = true
	w.kick()
}

// Reset forgets an interruption. The goroutine that waits calls it, when it does not wait.
func (w *Waiter) Reset() {
	w.mu.Lock()
	w.set = false
	w.mu.Unlock()
}

func (w *Waiter) isSet() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.set
}

// endWait ends the wait that runs, so that it looks again.
func (w *Waiter) endWait() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.kick()
}

// kick ends the wait that runs, if one does, and has that repeated until it has ended: what ends it may come just before it begins.
// The lock is held.
func (w *Waiter) kick() {
	if w.wake == nil {
		return
	}
	w.wake()
	w.kicked = true
	if !w.pusher {
		w.pusher = true
		go w.push()
	}
}

func (w *Waiter) push() {
	for {
		time.Sleep(time.Millisecond)
		if !w.again() {
			return
		}
	}
}

// again wakes the wait that runs if it is one that shall end.
func (w *Waiter) again() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kicked {
		w.wake()
	} else {
		w.pusher = false
	}
	return w.kicked
}

// begin says how to end the wait that comes. It reports false, and does nothing, if it is interrupted already.
func (w *Waiter) begin(wake func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.set {
		return false
	}
	w.wake = wake
	return true
}

// end says that the wait has ended, and reports whether it was told to. After it, wake is not called any more.
func (w *Waiter) end() (kicked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kicked = w.kicked
	w.wake, w.kicked = nil, false
	return kicked
}
