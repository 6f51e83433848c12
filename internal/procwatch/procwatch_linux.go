package procwatch

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// Watch is a watch on one process. Its methods are safe for concurrent use.
type Watch struct {
	file *os.File
	once sync.Once
}

// Start watches the process with that pid (of this pid namespace) and calls ended, once and on a goroutine of its own, when it
// ends, also if that was before. It never calls it after Stop has returned, unless it was calling it then. The error says why a
// watch is not to be had: no such process, no pidfd (before Linux 5.3, some sandboxes), too many descriptors.
func Start(pid int, ended func()) (*Watch, error) {
	// Non-blocking, so that os.NewFile gives it to the poller.
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("open pidfd of process %d: %w", pid, err)
	}
	w := &Watch{file: os.NewFile(uintptr(fd), "pidfd")}
	conn, err := w.file.SyscallConn()
	if err != nil {
		w.Stop()
		return nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	go func() {
		// A pidfd is readable when the process has ended. There is nothing to read: ask with poll, and have the runtime wait if not.
		err := conn.Read(func(fd uintptr) bool {
			ready := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			n, err := unix.Poll(ready, 0)
			return err == nil && n > 0
		})
		if err == nil {
			ended()
		}
		w.Stop()
	}()
	return w, nil
}

// Stop ends the watch. Stopping again, or a nil watch, does nothing.
func (w *Watch) Stop() {
	if w != nil {
		w.once.Do(func() { _ = w.file.Close() })
	}
}
