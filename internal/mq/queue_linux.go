package mq

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"
)

// Queue is a handle on a queue. One goroutine may send and another receive at the same time; for more, open the queue again. The other
// methods are safe for concurrent use.
type Queue struct {
	posix *posix
	sysv  *sysv

	// System V: a message with its type in front, of each direction.
	in, out []byte

	use       sync.RWMutex // read by a call that uses the bare descriptor; it must not be another file's by then
	closed    bool
	closeOnce sync.Once
	closing   chan struct{} // System V; closed by Close
	waiters   sync.Map      // *Waiter: those who wait, to be interrupted by Close
}

// Name is the name of a POSIX queue.
func (q *Queue) Name() string {
	if q.posix != nil {
		return q.posix.name
	}
	return ""
}

// Key is the key of a System V queue.
func (q *Queue) Key() int32 {
	if q.sysv != nil {
		return q.sysv.key
	}
	return 0
}

// ID is the identifier of a System V queue.
func (q *Queue) ID() int {
	if q.sysv != nil {
		return q.sysv.id
	}
	return 0
}

func (q *Queue) String() string {
	if q.posix != nil {
		return "message queue /" + q.posix.name
	}
	return fmt.Sprintf("message queue %#x", uint32(q.sysv.key))
}

// Attr asks for the queue's state.
func (q *Queue) Attr() (Attr, error) {
	if q.sysv != nil {
		return q.sysv.attr()
	}
	var a Attr
	var err error
	if q.now(func() unix.Errno { a, err = q.posix.attr(); return 0 }) == unix.EBADF {
		return a, q.closedError()
	}
	if err != nil {
		return a, fmt.Errorf("%v: %w", q, err)
	}
	return a, nil
}

// Remove removes the queue from the host: a System V queue at once, also for those who wait, a POSIX queue's name only, and whichever queue
// has that name now.
func (q *Queue) Remove() error {
	if q.posix != nil {
		return RemovePOSIX(q.posix.name)
	}
	return q.sysv.control(unix.IPC_RMID, nil)
}

// Close gives the handle up. Calls that wait end with an error that matches os.ErrClosed. Closing again does nothing.
func (q *Queue) Close() error {
	var err error
	q.closeOnce.Do(func() {
		if q.posix != nil {
			q.use.Lock()
			q.closed = true
			err = unix.Close(q.posix.fd)
			q.use.Unlock()
			q.posix.in.giveUp(true)
			q.posix.out.giveUp(true)
			return
		}
		close(q.closing)
		q.waiters.Range(func(w, _ any) bool {
			w.(*Waiter).endWait()
			return true
		})
	})
	return err
}

// TrySend sends b if there is room, with one system call. It returns ErrFull, or an error that matches os.ErrClosed, unix.EMSGSIZE (b
// is too long) or fs.ErrNotExist (the queue was removed).
func (q *Queue) TrySend(b []byte) error { return q.send(nil, b) }

// Send is TrySend, but waits for room. It returns ErrInterrupted if w was interrupted.
func (q *Queue) Send(w *Waiter, b []byte) error { return q.send(w, b) }

// TryReceive receives the next message to b, which must have Attr.MessageSize bytes, and returns its length. It returns ErrEmpty, or an
// error as TrySend.
func (q *Queue) TryReceive(b []byte) (int, error) { return q.receive(nil, b) }

// Receive is TryReceive, but waits for a message. It returns ErrInterrupted if w was interrupted.
func (q *Queue) Receive(w *Waiter, b []byte) (int, error) { return q.receive(w, b) }

// Wait waits until there is a message, and leaves it there. By the time it returns, somebody else may have received it. Errors are those of
// Receive.
func (q *Queue) Wait(w *Waiter) error {
	if q.sysv != nil {
		if q.isClosed() {
			return q.closedError()
		}
		// A message that is longer than the buffer stays where it is, and the call says so. An empty one would be received, so the buffer
		// is for nothing at all only where messages have a header.
		none := q.in[:typeSize]
		err := q.block(w, func() unix.Errno {
			_, errno := q.sysv.receive(none, 0)
			return errno
		})
		if errors.Is(err, unix.E2BIG) {
			return nil
		}
		return err
	}
	return q.park(w, &q.posix.in, false, func() unix.Errno {
		if a, err := q.posix.attr(); err == nil && a.Messages == 0 {
			return unix.EAGAIN
		}
		return 0
	})
}

func (q *Queue) send(w *Waiter, b []byte) error {
	if q.posix != nil {
		if len(b) > q.posix.size {
			return q.tooLong(b, q.posix.size)
		}
		errno := q.now(func() unix.Errno { return q.posix.send(b) })
		if errno == unix.EAGAIN && w != nil {
			return q.park(w, &q.posix.out, true, func() unix.Errno { return q.posix.send(b) })
		}
		if errno == 0 {
			q.posix.out.use()
		}
		return q.explain(errno, ErrFull)
	}
	if len(b) > len(q.out)-typeSize {
		return q.tooLong(b, len(q.out)-typeSize)
	}
	buf := q.out[:typeSize+len(b)]
	binary.NativeEndian.PutUint64(buf, 1) // any type but 0
	copy(buf[typeSize:], b)
	if q.isClosed() {
		return q.closedError()
	}
	errno := q.sysv.send(buf, unix.IPC_NOWAIT)
	if errno == unix.EAGAIN && w != nil {
		return q.block(w, func() unix.Errno { return q.sysv.send(buf, 0) })
	}
	return q.explain(errno, ErrFull)
}

func (q *Queue) receive(w *Waiter, b []byte) (int, error) {
	if q.posix != nil {
		n := 0
		errno := q.now(func() (e unix.Errno) {
			n, e = q.posix.receive(b)
			return e
		})
		if errno == unix.EAGAIN && w != nil {
			return q.parkReceive(w, b)
		}
		if errno == 0 {
			q.posix.in.use()
		}
		return n, q.explain(errno, ErrEmpty)
	}
	if q.isClosed() {
		return 0, q.closedError()
	}
	n, errno := q.sysv.receive(q.in, unix.IPC_NOWAIT)
	var err error
	if errno == unix.ENOMSG && w != nil {
		err = q.block(w, func() (e unix.Errno) {
			n, e = q.sysv.receive(q.in, 0)
			return e
		})
	} else {
		err = q.explain(errno, ErrEmpty)
	}
	if err != nil {
		return 0, err
	}
	if n > len(b) {
		return 0, fmt.Errorf("%v: message of %d bytes, buffer of %d: %w", q, n, len(b), unix.EMSGSIZE)
	}
	return copy(b, q.in[typeSize:typeSize+n]), nil
}

// parkReceive stands alone so that n is allocated for a wait only.
func (q *Queue) parkReceive(w *Waiter, b []byte) (n int, err error) {
	err = q.park(w, &q.posix.in, false, func() (errno unix.Errno) {
		n, errno = q.posix.receive(b)
		return errno
	})
	return n, err
}

// now makes a call that does not wait.
func (q *Queue) now(call func() unix.Errno) unix.Errno {
	q.use.RLock()
	defer q.use.RUnlock()
	if q.closed {
		return unix.EBADF
	}
	return call()
}

func (q *Queue) tooLong(b []byte, most int) error {
	return fmt.Errorf("%v: message of %d bytes, its largest is %d: %w", q, len(b), most, unix.EMSGSIZE)
}

func (q *Queue) isClosed() bool {
	select {
	case <-q.closing:
		return true
	default:
		return false
	}
}

func (q *Queue) closedError() error { return fmt.Errorf("%v: %w", q, os.ErrClosed) }

// explain is the error for an error number; again stands for that of a queue that has no room or no message.
func (q *Queue) explain(errno unix.Errno, again error) error {
	switch errno {
	case 0:
		return nil
	case unix.EAGAIN, unix.ENOMSG:
		return again
	case unix.EBADF:
		return q.closedError()
	case unix.EIDRM:
		return fmt.Errorf("%v: %w", q, gone(errno))
	case unix.EINVAL:
		if q.sysv != nil {
			return fmt.Errorf("%v: %w", q, gone(errno))
		}
	}
	return fmt.Errorf("%v: %w", q, errno)
}

// block makes a call that waits in the kernel, on a thread that an interruption can reach.
func (q *Queue) block(w *Waiter, call func() unix.Errno) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	q.waiters.Store(w, nil)
	defer q.waiters.Delete(w)
	pid, tid := unix.Getpid(), unix.Gettid()
	if !w.begin(func() { _ = unix.Tgkill(pid, tid, unix.SIGURG) }) { // the thread is there until end
		return ErrInterrupted
	}
	defer w.end()
	for {
		if w.isSet() {
			return ErrInterrupted
		}
		if q.isClosed() {
			return q.closedError()
		}
		if errno := call(); errno != unix.EINTR {
			return q.explain(errno, ErrEmpty)
		}
	}
}
