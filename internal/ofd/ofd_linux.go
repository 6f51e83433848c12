package ofd

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// PollEvery is how often a lock is looked at that is waited for.
const PollEvery = 500 * time.Microsecond

// Lock sets or drops a lock of fd's description on n bytes without waiting. It returns false if another description has it.
func Lock(fd int, typ int16, start, n int64) (bool, error) {
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

// LockWithin is Lock with patience for a single byte.
func LockWithin(fd int, typ int16, at int64, limit time.Duration) (bool, error) {
	for end := time.Now().Add(limit); ; time.Sleep(PollEvery) {
		ok, err := Lock(fd, typ, at, 1)
		if ok || err != nil || time.Now().After(end) {
			return ok, err
		}
	}
}

// Locked reports whether a description other than fd's holds any lock on the n bytes. It does not allocate.
func Locked(fd int, start, n int64) (bool, error) {
	l := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart, Start: start, Len: n}
	if err := unix.FcntlFlock(uintptr(fd), unix.F_OFD_GETLK, &l); err != nil {
		return false, fmt.Errorf("query lock on byte %#x: %w", start, err)
	}
	return l.Type != unix.F_UNLCK, nil
}

// UnlockAndClose drops every lock of the description before it closes the descriptor. Closing alone would leave them in force
// for as long as a child between its fork and its exec has a copy.
func UnlockAndClose(fd int) error {
	_, err := Lock(fd, unix.F_UNLCK, 0, 0)
	return errors.Join(err, unix.Close(fd))
}

// Reopen gives a new description of the file behind fd, with its own locks. A duplicate would share them.
func Reopen(fd, flags int) (int, error) {
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

func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
