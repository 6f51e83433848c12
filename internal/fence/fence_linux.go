package fence

import (
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Commands of membarrier(2), from linux/membarrier.h.
const (
	globalExpedited          = 1 << 1
	registerGlobalExpedited  = 1 << 2
	privateExpedited         = 1 << 3
	registerPrivateExpedited = 1 << 4
)

// Registration is once for a process. The kernel says no before 4.16, and so do some seccomp filters.
var (
	private = sync.OnceValue(func() bool { return membarrier(registerPrivateExpedited) == nil })
	global  = sync.OnceValue(func() bool { return membarrier(registerGlobalExpedited) == nil })
)

// Prepare registers for both kinds of barrier, so that making one is fast. It reports whether this process takes part in [Global].
// Safe for concurrent use.
func Prepare() bool {
	private()
	return global()
}

// Process returns after every thread of this process has executed a full memory barrier. Safe for concurrent use.
func Process() {
	if private() && membarrier(privateExpedited) == nil {
		return
	}
	stopTheWorld()
}

// Global returns after every thread of every process that takes part has executed a full memory barrier, and reports whether that
// was possible. Safe for concurrent use.
func Global() bool { return membarrier(globalExpedited) == nil }

// stopTheWorld is the barrier where membarrier is not to be had: the runtime stops every goroutine at a safe point, which takes
// each thread through the kernel or a lock.
func stopTheWorld() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
}

// membarrier does not block: it interrupts the processors concerned and waits for their answers.
func membarrier(command uintptr) error {
	if _, _, errno := unix.RawSyscall(unix.SYS_MEMBARRIER, command, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
