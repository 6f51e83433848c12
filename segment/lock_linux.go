package segment

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/protocol"
)

// createByte is locked exclusively while a segment is made or removed. It lies beside the byte that guards attaching, in
// the lock file; nothing is stored there.
const createByte = protocol.AttachByte - 1

// patience is how long a lock is waited for that its holder needs for microseconds, unless it was stopped.
const patience = time.Second

const pollEvery = 500 * time.Microsecond

// lock sets or drops a lock of fd's description on n bytes without waiting. It returns false if another description has it.
func lock(fd int, typ int16, start, n int64) (bool, error) {
	for {
		l := unix.Flock_t{Type: typ, Whence: io.SeekStart, Start: start, Len: n}
		switch err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_SETLK, &l); {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
			return false, nil
		default:
			return false, fmt.Errorf("lock byte %#x (open-file-description locks): %w", start, err)
		}
	}
}

// lockWithin is lock with patience for a single byte.
func lockWithin(fd int, typ int16, at int64, limit time.Duration) (bool, error) {
	for end := time.Now().Add(limit); ; time.Sleep(pollEvery) {
		ok, err := lock(fd, typ, at, 1)
		if ok || err != nil || time.Now().After(end) {
			return ok, err
		}
	}
}

// locked reports whether a description other than fd's holds any lock on the n bytes. It does not allocate.
func locked(fd int, start, n int64) (bool, error) {
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: start, Len: n}
	if err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &l); err != nil {
		return false, fmt.Errorf("query lock on byte %#x: %w", start, err)
	}
	return l.Type != unix.F_UNLCK, nil
}

// unlockAndClose drops every lock of the description before it closes the descriptor. Closing alone would leave them in force
// for as long as a child between its fork and its exec has a copy.
func unlockAndClose(fd int) error {
	_, err := lock(fd, unix.F_UNLCK, 0, 0)
	return errors.Join(err, unix.Close(fd))
}

// reopen gives a new description of the file behind fd, with its own locks. A duplicate would share them.
func reopen(fd, flags int) (int, error) {
	path := "/proc/self/fd/" + strconv.Itoa(fd)
	n, err := retry(func() (int, error) { return unix.Open(path, flags|unix.O_CLOEXEC, 0) })
	if errors.Is(err, unix.ENOENT) {
		return -1, fmt.Errorf("reopen descriptor through %s: %w; mount /proc", path, err)
	}
	if err != nil {
		return -1, fmt.Errorf("reopen descriptor through %s: %w", path, err)
	}
	return n, nil
}

func retry[T any](call func() (T, error)) (T, error) {
	for {
		v, err := call()
		if !errors.Is(err, unix.EINTR) {
			return v, err
		}
	}
}
