package fence

import (
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Commands of membarrier(2), from linux/membarrier.h.
const (
	globalExpedited          = 1 << 1
	registerGlobalExpedited  = 1 << 2
	privateExpedited         = 1 << 3
	registerPrivateExpedited = 1 << 4
)

// Registration is once for a process. The kernel says no before 4.16, and so do some seccomp filters. It waits for a grace period of
// the kernel, twice: some 30 milliseconds, more than all else that comes before a first message, so nobody waits for it.
var (
	once       sync.Once
	registered struct{ private, global atomic.Bool }
	answered   atomic.Int32 // of the two questions
)

// Prepare begins to register for both kinds of barrier. Safe for concurrent use.
func Prepare() {
	once.Do(func() {
		// At once, so that the grace periods overlap: a process that is killed meanwhile dies only at their end.
		go register(registerGlobalExpedited, &registered.global)
		go register(registerPrivateExpedited, &registered.private)
	})
}

func register(command uintptr, done *atomic.Bool) {
	done.Store(membarrier(command) == nil)
	answered.Add(1)
}

// Settled reports whether all that [Prepare] began is over, well or not. Safe for concurrent use.
func Settled() bool { return answered.Load() == 2 }

// Registered reports whether this process takes part in [Global]. Once it does, it does for good. Safe for concurrent use, and cheap.
func Registered() bool { return registered.global.Load() }

// Process returns after every thread of this process has executed a full memory barrier. Safe for concurrent use.
func Process() {
	if registered.private.Load() && membarrier(privateExpedited) == nil {
		return
	}
	stopTheWorld()
}

// Global returns after every thread of every process that takes part has executed a full memory barrier, and reports whether that
// was possible. Safe for concurrent use.
func Global() bool { return membarrier(globalExpedited) == nil }

// stopTheWorld is the barrier where membarrier is not to be had, or not yet: the runtime stops every goroutine at a safe point, which takes
// each thread through the kernel or a lock.
func stopTheWorld() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
}

// membarrier interrupts the processors concerned and waits for their answers.
func membarrier(command uintptr) error {
	call := unix.RawSyscall
	if command == registerGlobalExpedited || command == registerPrivateExpedited {
		call = unix.Syscall // it sleeps
	}
	if _, _, errno := call(unix.SYS_MEMBARRIER, command, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
