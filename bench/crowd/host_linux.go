package crowd

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sharedFile is a file in /dev/shm with so many bytes of memory. It has no name any more, so nothing has to be removed.
func sharedFile(bytes int) (*os.File, error) {
	f, err := os.CreateTemp("/dev/shm", fmt.Sprintf("shmpipe-bench-%d-", os.Getpid()))
	if err != nil {
		return nil, err
	}
	err = os.Remove(f.Name())
	if err == nil {
		// To make the file longer only would do until the memory runs out, which is a signal.
		if err = unix.Fallocate(int(f.Fd()), 0, 0, int64(bytes)); err != nil {
			err = fmt.Errorf("allocate %d bytes in /dev/shm: %w", bytes, err)
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// dieWithParent has the kernel kill a child when the thread that started it ends.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// outliveParent keeps a child from what ends its parent's whole group: an interrupt at the terminal, or a harness that clears up.
func outliveParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// cpuTime is what all threads of this process have used, in nanoseconds.
func cpuTime() int64 {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t) != nil {
		return 0 // Linux always has this clock
	}
	return t.Nano()
}

// yield lets another process have this CPU, if one wants it.
func yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }

// doze sleeps, but not for long.
func doze() { time.Sleep(50 * time.Microsecond) }
