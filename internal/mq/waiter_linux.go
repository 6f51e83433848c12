package mq

import (
	"sync"
	"sync/atomic"
	"time"
)

// Waiter lets other goroutines end a wait. Each goroutine that waits has its own.
type Waiter struct {
	set atomic.Bool

	mu     sync.Mutex
	wake   func() // ends the wait that runs; nil if none does
	pusher bool   // somebody repeats wake
}

// NewWaiter makes one.
func NewWaiter() *Waiter { return &Waiter{} }

// Interrupt ends the wait that runs, or the next one, with ErrInterrupted, until Reset. Any goroutine may call it at any time.
func (w *Waiter) Interrupt() {
	w.set.Store(true)
	w.kick()
}

// Reset forgets an interruption. The goroutine that waits calls it, when it does not wait.
func (w *Waiter) Reset() { w.set.Store(false) }

func (w *Waiter) isSet() bool { return w.set.Load() }

// kick ends the wait that runs, if one does, and has that repeated until it has ended: what ends it may come just before it begins.
func (w *Waiter) kick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wake == nil || w.pusher {
		return
	}
	w.wake()
	w.pusher = true
	go w.push()
}

func (w *Waiter) push() {
	for {
		time.Sleep(time.Millisecond)
		w.mu.Lock()
		if w.wake == nil {
			w.pusher = false
			w.mu.Unlock()
			return
		}
		w.wake()
		w.mu.Unlock()
	}
}

// begin says how to end the wait that comes. It reports false, and does nothing, if it is interrupted already.
func (w *Waiter) begin(wake func()) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.set.Load() {
		return false
	}
	w.wake = wake
	return true
}

// end says that the wait has ended. After it, wake is not called any more.
func (w *Waiter) end() {
	w.mu.Lock()
	w.wake = nil
	w.mu.Unlock()
}
