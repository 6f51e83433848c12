package futex

import (
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Flags of one waiter, from linux/futex.h.
const (
	waiter32Bits  = 0x02
	waiterPrivate = 0x80
)

// waiter is the kernel's struct futex_waitv.
type waiter struct {
	value    uint64
	address  uint64
	flags    uint32
	reserved uint32
}

// timespec64 is the kernel's struct __kernel_timespec, the same on 32-bit systems.
type timespec64 struct{ seconds, nanos int64 }

// onStack is how many words [WaitAny] takes without an allocation.
const onStack = 4

// Without futex_waitv the wait looks at the other words between slices of sleep, which start short and grow.
const (
	firstSlice = int64(time.Millisecond)
	lastSlice  = int64(10 * time.Millisecond)
)

// waitvState remembers whether the kernel has futex_waitv and lets us call it. Tests set it.
var waitvState atomic.Uint32

const (
	waitvUnknown uint32 = iota
	waitvPresent
	waitvAbsent
)

// HasWaitv reports whether the kernel has futex_waitv (Linux 5.16) and lets this process call it. The first call asks the
// kernel. Safe for concurrent use.
func HasWaitv() bool {
	if s := waitvState.Load(); s != waitvUnknown {
		return s == waitvPresent
	}
	// Zero words are an invalid argument to a kernel that knows the call. Anything else means no: ENOSYS from an old kernel,
	// EPERM or ENOSYS from a sandbox.
	_, _, errno := unix.RawSyscall6(unix.SYS_FUTEX_WAITV, 0, 0, 0, 0, 0, 0)
	state := waitvAbsent
	if errno == unix.EINVAL {
		state = waitvPresent
	}
	waitvState.CompareAndSwap(waitvUnknown, state)
	return waitvState.Load() == waitvPresent
}

// WaitAny sleeps while each of the words is its Old: until one is woken or the deadline comes (absolute, in nanoseconds of
// [Now]; 0 is none). The results are those of [Wait]; a number of words other than 1 to [MaxWords] gives [os.ErrInvalid].
//
// Where futex_waitv is missing, it sleeps on the first word and looks at the others every 1 to 10 ms, so put first the word
// whose wake-up must be prompt. There it reads the words itself, so one that is not mapped is a fault and not an error.
//
// It allocates nothing for up to four words. Safe for concurrent use.
func WaitAny(words []Word, deadline int64) error {
	if len(words) < 1 || len(words) > MaxWords {
		return fmt.Errorf("futex wait on %d words, want 1 to %d: %w", len(words), MaxWords, os.ErrInvalid)
	}
	if len(words) == 1 {
		return wait(words[0].Addr, words[0].Old, deadline, privateFlag(words[0]))
	}
	if HasWaitv() {
		errno := waitv(words, deadline)
		if errno != unix.ENOSYS && errno != unix.EPERM {
			return waitError(errno, words[0].Addr)
		}
		waitvState.Store(waitvAbsent) // a sandbox was put up after we asked
	}
	return waitSliced(words, deadline)
}

func waitv(words []Word, deadline int64) unix.Errno {
	var few [onStack]waiter
	list := few[:]
	if len(words) > onStack {
		list = make([]waiter, len(words))
	}
	for i, w := range words {
		// The kernel gets the address as a number, behind the back of the runtime: the word must be where stacks that grow do
		// not move it, and KeepAlive below keeps the collector off.
		toHeap(w.Addr)
		list[i] = waiter{value: uint64(w.Old), address: uint64(uintptr(unsafe.Pointer(w.Addr))), flags: waiter32Bits}
		if w.Private {
			list[i].flags |= waiterPrivate
		}
	}
	var timeout *timespec64
	if deadline != 0 {
		at := max(deadline, 1) // before the clock's start is as good as in the past
		timeout = &timespec64{seconds: at / 1e9, nanos: at % 1e9}
	}
	_, _, errno := unix.Syscall6(unix.SYS_FUTEX_WAITV, uintptr(unsafe.Pointer(unsafe.SliceData(list))), uintptr(len(words)), 0,
		uintptr(unsafe.Pointer(timeout)), unix.CLOCK_MONOTONIC, 0)
	runtime.KeepAlive(words)
	return errno
}

// waitSliced does without futex_waitv.
func waitSliced(words []Word, deadline int64) error {
	first := words[0]
	for slice := firstSlice; ; slice = min(2*slice, lastSlice) {
		if anyChanged(words) {
			return nil
		}
		until := Now() + slice
		last := deadline != 0 && deadline <= until
		if last {
			until = deadline
		}
		err := wait(first.Addr, first.Old, until, privateFlag(first))
		switch {
		case err != os.ErrDeadlineExceeded:
			return err // woken, or broken
		case last && anyChanged(words):
			return nil
		case last:
			return err
		}
	}
}

func anyChanged(words []Word) bool {
	for _, w := range words {
		if atomic.LoadUint32(w.Addr) != w.Old {
			return true
		}
	}
	return false
}

func privateFlag(w Word) uintptr {
	if w.Private {
		return flagPrivate
	}
	return 0
}

// toHeap tells the compiler that p outlives every stack, so that what it points at is allocated on the heap. The store is never
// made, which the compiler cannot know.
func toHeap(p *uint32) {
	if leak.enabled {
		leak.to = p
	}
}

var leak struct {
	enabled bool // always false
	to      *uint32
}
