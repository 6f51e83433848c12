package mqueue

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"shmpipe/internal/mq"
	"shmpipe/protocol"
)

// Queue is a handle on a queue. Its methods are safe for concurrent use. It may be closed while senders and receivers of it are open.
type Queue struct {
	state *stateFile
	look  *mq.Queue // for Attr; each end opens the queue for itself
	opts  Options

	mu     sync.Mutex
	refs   int // this handle while it is open, and each end
	closed bool
}

func newQueue(s *stateFile, kq *mq.Queue, o Options) *Queue {
	return &Queue{state: s, look: kq, opts: o, refs: 1}
}

// Open opens a queue. The error matches fs.ErrNotExist, fs.ErrPermission, protocol.ErrNotSegment, ErrNotReady, ErrVersion or ErrCorrupt.
func Open(k Kind, name string, o Options) (*Queue, error) {
	if err := protocol.ValidateName(name); err != nil {
		return nil, fmt.Errorf("open %v queue %s: %w", k, name, err)
	}
	s, err := openState(k, name, o)
	if err != nil {
		if s != nil {
			err = errors.Join(err, s.close())
		}
		return nil, fmt.Errorf("open %v queue %s: %w", k, name, err)
	}
	kq, err := s.openReady()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %v queue %s: %w", k, name, err), s.close())
	}
	return newQueue(s, kq, o), nil
}

func (s *stateFile) openReady() (*mq.Queue, error) {
	v, err := s.ready()
	if err != nil {
		if errors.Is(err, protocol.ErrRemoved) { // between the two steps of a removal
			err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		return nil, err
	}
	kq, err := s.openQueue(v)
	if errors.Is(err, fs.ErrNotExist) {
		// Somebody took the queue away behind our back, or is just removing it.
		err = fmt.Errorf("%w: its state file %s is there, but %w; remove it and make it anew", protocol.ErrNotReady, s.path, errors.Unwrap(err))
	}
	return kq, err
}

// openQueue opens the kernel's queue that the state file is about.
func (s *stateFile) openQueue(v state) (*mq.Queue, error) {
	if s.head.kind == POSIX {
		return mq.OpenPOSIX(s.head.queueName(), false)
	}
	kq, err := mq.OpenSysV(s.head.key)
	if err != nil {
		return nil, err
	}
	if kq.ID() != int(v.id) {
		return nil, errors.Join(fmt.Errorf("%w: the queue of key %#x is another one: its identifier is %d, want %d; remove it and make it anew",
			protocol.ErrNotReady, uint32(s.head.key), kq.ID(), v.id), kq.Close())
	}
	return kq, nil
}

// holder describes a participant for an error.
func (s *stateFile) holder(i int) string {
	all, err := s.table()
	if err != nil || all[i].pid == 0 {
		return fmt.Sprintf("participant %d", i)
	}
	return fmt.Sprintf("participant %d (%v, pid %d)", i, all[i].role, all[i].pid)
}

// Depth is what the kernel's queue holds now: its own messages, and their bytes, of which a POSIX queue tells only how many there can be at
// most.
func (q *Queue) Depth() (messages int, size int64, err error) {
	if err := q.acquire(); err != nil {
		return 0, 0, err
	}
	defer q.release()
	a, err := q.look.Attr()
	return a.Messages, a.Bytes, err
}

// Totals are the counters of all there have ever been, as far as they have written them down.
func (q *Queue) Totals() (sent, received Counters, err error) {
	if err := q.acquire(); err != nil {
		return sent, received, err
	}
	defer q.release()
	all, err := q.state.table()
	for _, e := range all {
		sent.add(e.sent)
		received.add(e.received)
	}
	return sent, received, err
}

// Reap marks those as died who are dead, and returns how many that are.
func (q *Queue) Reap() (dead int, err error) {
	if err := q.acquire(); err != nil {
		return 0, err
	}
	defer q.release()
	if q.opts.ReadOnly {
		return 0, fmt.Errorf("%s: it was opened for reading only: %w", q.path(), fs.ErrPermission)
	}
	return q.state.reap()
}

func (s *stateFile) reap() (dead int, err error) {
	err = s.locked(func() error {
		dead, err = s.reapLocked()
		return err
	})
	return dead, err
}

func (s *stateFile) reapLocked() (dead int, err error) {
	all, err := s.table()
	if err != nil {
		return 0, err
	}
	for i := range all {
		e := &all[i]
		before := e.state
		if err := s.settle(i, e); err != nil {
			return dead, err
		}
		if before == protocol.EntryActive && e.state == protocol.EntryDied {
			if err := s.writeEntry(i, e); err != nil {
				return dead, err
			}
			dead++
		}
	}
	return dead, nil
}

// Close gives up the handle. Senders and receivers stay usable. Closing again does nothing.
func (q *Queue) Close() error {
	q.mu.Lock()
	if q.closed {
		q.mu.Unlock()
		return nil
	}
	q.closed = true
	q.mu.Unlock()
	return q.release()
}

func (q *Queue) acquire() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return protocol.ErrClosed
	}
	q.refs++
	return nil
}

func (q *Queue) release() error {
	q.mu.Lock()
	q.refs--
	last := q.refs == 0
	q.mu.Unlock()
	if !last {
		return nil
	}
	return errors.Join(q.look.Close(), q.state.close())
}
