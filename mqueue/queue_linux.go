package mqueue

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"shmpipe/internal/mq"
	"shmpipe/internal/owner"
	"shmpipe/internal/whoami"
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
	return s.openQueue(v)
}

// errVanished: the kernel's queue is gone, and was not removed by us. It matches fs.ErrNotExist, so that OpenOrCreate makes it anew.
var errVanished = fmt.Errorf("%w: %w", protocol.ErrNotReady, fs.ErrNotExist)

// openQueue opens the kernel's queue that the state file is about. The error matches errVanished if there is none any more.
func (s *stateFile) openQueue(v state) (kq *mq.Queue, err error) {
	h := s.head
	if h.kind == POSIX {
		kq, err = mq.OpenPOSIX(h.queueName(), s.opts.ReadOnly)
	} else {
		kq, err = mq.OpenSysV(h.key)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.vanished(err)
	}
	if err != nil {
		return nil, err
	}
	if h.kind == SysV && v.state != stateMaking && kq.ID() != int(v.id) {
		err = fmt.Errorf("the queue of key %#x is another one: its identifier is %d, want %d", uint32(h.key), kq.ID(), v.id)
		return nil, errors.Join(s.vanished(err), kq.Close())
	}
	a, err := kq.Attr()
	if err == nil {
		err = errors.Join(owner.Check(a.UID, s.opts.AllowOtherOwner), owner.Check(a.Creator, s.opts.AllowOtherOwner))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%v: %w", kq, err), kq.Close())
	}
	return kq, nil
}

// vanished is the error for a queue that should be there and is not.
func (s *stateFile) vanished(err error) error {
	h := s.head
	if h.boot == whoami.Boot() && h.ipcSpace != whoami.IPCNamespace() {
		return fmt.Errorf("%w: the queue of %s is in another IPC namespace than this process; run both in one, such as with docker run --ipc: %v",
			protocol.ErrNotReady, s.path, err)
	}
	return fmt.Errorf("%w: its state file %s is there, but the queue was taken away, or the host booted anew; remove it, or make it anew: %v", errVanished, s.path, err)
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
