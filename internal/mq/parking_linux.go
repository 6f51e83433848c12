package mq

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// parking is where one direction's goroutine parks in the runtime's poller: a descriptor of its own, duplicated for the first wait and
// registered there. As long as it is, the kernel wakes the poller's thread for every message of either direction, which costs each process more
// than the message. So it is given up when the queue has been used for a while without a wait.
type parking struct {
	mu     sync.Mutex // of file and closed: Close comes from another goroutine
	file   *os.File
	closed bool

	used int // messages since the last wait; of the direction's goroutine alone
}

const parkedFor = 64 // messages without a wait, after which the descriptor is given up

// hold returns the descriptor for a wait.
func (p *parking) hold(fd int) (*os.File, error) {
	p.used = 0
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, os.ErrClosed
	}
	if p.file != nil {
		return p.file, nil
	}
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("a descriptor to wait with: %w", err)
	}
	f := os.NewFile(uintptr(dup), "message queue")
	if err := f.SetDeadline(time.Time{}); err != nil { // the runtime cannot poll it
		return nil, errors.Join(fmt.Errorf("wait: %w", err), f.Close())
	}
	p.file = f
	return f, nil
}

// use counts a message that was not waited for. It is meant to cost nothing while no descriptor is held.
func (p *parking) use() {
	if p.used > parkedFor {
		return
	}
	if p.used++; p.used > parkedFor {
		p.giveUp(false)
	}
}

func (p *parking) giveUp(forGood bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = p.closed || forGood
	if p.file != nil {
		_ = p.file.Close() // a duplicate of a descriptor that is only read and written by other calls
		p.file = nil
	}
}

// park parks the goroutine until try, which does not wait, returns something else than EAGAIN.
func (q *Queue) park(w *Waiter, p *parking, writes bool, try func() unix.Errno) error {
	var f *os.File
	var err error
	if errno := q.now(func() unix.Errno { f, err = p.hold(q.posix.fd); return 0 }); errno != 0 {
		return q.closedError()
	}
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		return q.lookNowAndThen(w, try)
	}
	if err != nil {
		return q.unparked(err)
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return q.unparked(err)
	}
	wait, deadline := raw.Read, f.SetReadDeadline
	if writes {
		wait, deadline = raw.Write, f.SetWriteDeadline
	}
	if !w.begin(func() { _ = deadline(past) }) {
		return ErrInterrupted
	}
	var errno unix.Errno
	err = wait(func(uintptr) bool {
		errno = q.now(try)
		return errno != unix.EAGAIN
	})
	if w.end() {
		_ = deadline(time.Time{}) // it fails only if the queue was closed, which the next call says
	}
	if err != nil {
		return q.unparked(err)
	}
	return q.explain(errno, ErrEmpty)
}

// lookNowAndThen is park for a process that has no descriptor left: late by up to a millisecond, but no error.
func (q *Queue) lookNowAndThen(w *Waiter, try func() unix.Errno) error {
	for !w.isSet() {
		if errno := q.now(try); errno != unix.EAGAIN {
			return q.explain(errno, ErrEmpty)
		}
		time.Sleep(time.Millisecond)
	}
	return ErrInterrupted
}

// unparked is the error of a wait that ended without the queue.
func (q *Queue) unparked(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ErrInterrupted
	case errors.Is(err, os.ErrClosed), q.now(func() unix.Errno { return 0 }) == unix.EBADF:
		return q.closedError()
	}
	return fmt.Errorf("%v: %w", q, err)
}

// past is a deadline that ends a wait at once.
var past = time.Unix(1, 0)
