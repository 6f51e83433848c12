package futex

import (
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// forbidWaitv makes futex_waitv fail with EPERM in all threads of this process, as sandboxes of containers do.
func forbidWaitv() error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_FUTEX_WAITV, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&filter)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return fmt.Errorf("install filter: %w", errno)
	}
	return nil
}

// sandboxed sleeps and is cancelled where futex_waitv is forbidden: from the start, or after it was found to be there. It tells
// by b.done that there is no such sandbox here.
func sandboxed(b *board, midway bool) error {
	if midway && !HasWaitv() {
		store(&b.done, 1)
		return nil
	}
	// The flag goes to the calling thread; the filter then goes to all that have the same.
	runtime.LockOSThread()
	if err := forbidWaitv(); err != nil {
		store(&b.done, 1)
		return nil
	}
	cancel, slept := new(Cancel), make(chan error, 1)
	g := b.pingGate()
	go func() { slept <- g.Sleep(g.Prepare(), 0, cancel) }()
	time.Sleep(5 * time.Millisecond) // most likely it sleeps by now; either way it must end
	cancel.Set()
	if err := <-slept; err != nil {
		return err
	}
	if !cancel.IsSet() || HasWaitv() {
		return errors.New("futex_waitv still counts as present")
	}
	return nil
}

func TestSleep_IsCancelledWhereWaitvIsForbidden(t *testing.T) {
	for _, role := range []string{"sandbox-first", "sandbox-midway"} {
		t.Run(role, func(t *testing.T) {
			b, path := newBoard(t)
			startChild(t, role, path, 0).requireSuccess(t)
			if load(&b.done) == 1 {
				t.Skip("cannot forbid the system call here")
			}
		})
	}
}
