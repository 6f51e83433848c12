package futex

import (
	"fmt"
	"math"
	"math/bits"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Operations of the futex system call, from linux/futex.h. Without the private flag a futex is shared between processes.
const (
	opWake       = 1
	opWaitBitset = 9 // as the plain wait, but the deadline is absolute
	flagPrivate  = 128
	anyBit       = math.MaxUint32
)

// Wait sleeps while *word is old: until somebody wakes it, or until the deadline (absolute, in nanoseconds of [Now]; 0 is none).
//
// It returns nil when woken, when *word was not old to begin with, and when a signal came: a nil says nothing, so the caller
// looks again. It returns [os.ErrDeadlineExceeded] at the deadline. Other errors wrap the kernel's errno, EFAULT for instance if
// word is not mapped. Safe for concurrent use.
func Wait(word *uint32, old uint32, deadline int64) error {
	return wait(word, old, deadline, 0)
}

func wait(word *uint32, old uint32, deadline int64, flags uintptr) error {
	var timeout *unix.Timespec
	if deadline != 0 {
		ts := timespec(deadline)
		timeout = &ts
	}
	// It blocks, so the scheduler must know: not a raw system call.
	_, _, errno := unix.Syscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), opWaitBitset|flags, uintptr(old),
		uintptr(unsafe.Pointer(timeout)), 0, anyBit)
	return waitError(errno, word)
}

func waitError(errno unix.Errno, word *uint32) error {
	switch errno {
	case 0, unix.EAGAIN, unix.EINTR:
		return nil
	case unix.ETIMEDOUT:
		return os.ErrDeadlineExceeded
	}
	return fmt.Errorf("futex wait at %p: %w; want an aligned word of a mapping that is still there", word, errno)
}

// Wake wakes up to n of those who wait on word, in this process and in others, and returns how many it woke. It cannot block.
// n below 1 wakes nobody. It does not change the word: change it first, else who is woken may go back to sleep.
func Wake(word *uint32, n int) (int, error) {
	return wake(word, n, 0)
}

func wake(word *uint32, n int, flags uintptr) (int, error) {
	if n < 1 {
		return 0, nil // the kernel would wake one
	}
	// It cannot block, so the scheduler need not know, which saves a fifth of its price.
	woken, _, errno := unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(word)), opWake|flags, uintptr(min(n, math.MaxInt32)), 0, 0, 0)
	if errno != 0 {
		return 0, fmt.Errorf("futex wake at %p: %w; want an aligned word of a mapping that is still there", word, errno)
	}
	return int(woken), nil
}

func wakePrivate(word *uint32) {
	// The word is a live object of the Go heap, so the call has nothing to complain of.
	_, _ = wake(word, math.MaxInt32, flagPrivate)
}

// timespec converts a deadline. One before the clock's start is as good as one in the past, which the kernel takes. Where the
// system call's seconds have 32 bits, a deadline beyond them is 68 years away.
func timespec(deadline int64) unix.Timespec {
	deadline = max(deadline, 1)
	if bits.UintSize == 32 {
		deadline = min(deadline, math.MaxInt32*1e9)
	}
	return unix.NsecToTimespec(deadline)
}

// Yield lets another thread have this processor, if one waits for it. It is for who spins where the other side may need the same
// processor.
func Yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
