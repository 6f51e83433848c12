package shmtest

import (
	"runtime"
	"testing"
	"time"
)

// Patience is when a test gives up on something that must happen.
const Patience = 30 * time.Second

// Eventually waits until cond holds.
func Eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(Patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", Patience, what)
		}
	}
}

// Within runs f and fails the test with every goroutine's stack if f does not end in time: a hang should say where.
func Within(t testing.TB, limit time.Duration, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(limit):
		stacks := make([]byte, 1<<20)
		t.Fatalf("%s did not end within %v\n%s", what, limit, stacks[:runtime.Stack(stacks, true)])
	}
}
