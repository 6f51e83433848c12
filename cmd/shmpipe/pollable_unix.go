//go:build unix

package main

import (
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// pollable is f again, in a way that a deadline can end a read or a write that waits: through a description of its own that does
// not block. Setting that on f itself would set it for everybody who shares f, such as the shell. For files that cannot
// be opened anew or polled (regular files, sockets, most devices), it returns f. The caller closes what it gets if it is not f.
func pollable(f *os.File, flag int) *os.File {
	st, err := f.Stat()
	if err != nil || st.Mode()&(os.ModeNamedPipe|os.ModeCharDevice) == 0 {
		return f
	}
	path := "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
	fd, err := unix.Open(path, flag|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
	if err != nil {
		return f
	}
	own := os.NewFile(uintptr(fd), f.Name())
	if own.SetDeadline(time.Time{}) != nil {
		own.Close()
		return f
	}
	return own
}

// readerGone reports whether the pipe that f is the writing end of has no reader any more. It waits for that, up to a
// limit of whole milliseconds.
func readerGone(f *os.File, limit time.Duration) bool {
	fds := []unix.PollFd{{Fd: int32(f.Fd())}} // no events: errors are reported always
	n, err := unix.Poll(fds, int(limit.Milliseconds()))
	return err == nil && n > 0 && fds[0].Revents&unix.POLLERR != 0
}

// closedAtStart reports whether f, a standard output, looks as if it had been closed when the program was started: Go's runtime
// then opens /dev/null in its place, for reading and writing. A shell's `> /dev/null` is for writing only. A parent that opens it
// for both cannot be told apart; it is better to refuse that than to lose what was sent.
func closedAtStart(f *os.File) bool {
	var at, null unix.Stat_t
	if unix.Fstat(int(f.Fd()), &at) != nil || unix.Stat(os.DevNull, &null) != nil || at.Mode&unix.S_IFMT != unix.S_IFCHR || at.Rdev != null.Rdev {
		return false
	}
	mode, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0)
	return err == nil && mode&unix.O_ACCMODE == unix.O_RDWR
}
