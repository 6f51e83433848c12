package fence

import (
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Commands of membarrier(2), from linux/membarrier.h.
const (
	globalExpedited         = 1 << 1
	registerGlobalExpedited = 1 << 2
)

// Registration is once for a process. The kernel says no before 4.16, and so do some seccomp filters. It waits for a grace period of
// the kernel, 10 to 20 milliseconds, more than all else that comes before a first message, so nobody waits for it. Who is killed meanwhile
// dies at the end of it, so there is no second registration for a barrier of this process alone: that for all serves as well.
var (
	once       sync.Once
	registered atomic.Bool
)

// Prepare begins to register. Safe for concurrent use.
func Prepare() {
	once.Do(func() {
		go func() { registered.Store(membarrier(registerGlobalExpedited) == nil) }()
	})
}

// Registered reports whether this process takes part in [Global]. Once it does, it does for good. Safe for concurrent use, and cheap.
func Registered() bool { return registered.Load() }

// Process returns after every thread of this process has executed a full memory barrier. Safe for concurrent use.
func Process() {
	if Registered() && Global() {
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
	if command == registerGlobalExpedited {
		call = unix.Syscall // it sleeps
	}
	if _, _, errno := call(unix.SYS_MEMBARRIER, command, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
