package mqueue

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/internal/mq"
	"shmpipe/internal/ofd"
	"shmpipe/internal/whoami"
	"shmpipe/protocol"
)

// noWait stands for a context where a method shall not wait.
var noWait context.Context

// end is what a Sender and a Receiver have in common: an entry of the table, the lease that proves it, and a way to wait.
type end struct {
	q      *Queue
	kq     *mq.Queue // ours alone: a handle is for one who sends and one who receives
	role   protocol.Role
	index  int
	lease  int // descriptor of a description of our own, whose locks are ours
	opts   EndOptions
	waiter *mq.Waiter
	tries  spinner

	stale  atomic.Bool // the table may have changed
	closed atomic.Bool // nothing may be done any more
	left   atomic.Bool // Close was called
	known  verdict     // as of when it was read last

	self    entry
	counter *Counters // the one in self that we count in
	written time.Time // when that was written down
	wrote   uint64    // how many messages that was
	number  uint64    // of the message that was sent last

	cameBefore int            // peers that had come, and were not there any more, when we came
	deadBefore map[int]uint64 // entries of those who were dead when we came, and how often these had been taken by then
	lostBefore uint64         // state.lost of the peers, then
}

// verdict is what the table says about the peers.
type verdict struct {
	there, came int
	died        int    // and nobody has taken their place
	diedSince   int    // of these, since we came
	lost        uint64 // state.lost of the peers
	leftovers   bool   // whole messages
	beginnings  bool   // of messages, perhaps
}

// attach takes an entry of the table for a role.
func (q *Queue) attach(e *end, role protocol.Role, opts EndOptions) (err error) {
	if err := q.acquire(); err != nil {
		return err
	}
	e.q, e.role, e.opts, e.lease, e.waiter, e.tries = q, role, opts, -1, mq.NewWaiter(), newSpinner(opts.Spin)
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %v role: %w", q.path(), role, err), e.letGo(), q.release())
		}
	}()
	if q.opts.ReadOnly {
		return fmt.Errorf("it was opened for reading only: %w", os.ErrPermission)
	}
	if e.lease, err = ofd.Reopen(q.state.fd, unix.O_RDWR); err != nil {
		return err
	}
	if err = q.state.locked(e.take); err != nil {
		return err
	}
	hubOf.add(e, q.state.fd)
	e.stale.Store(true)
	return nil
}

// take takes an entry while the table is ours.
func (e *end) take() error {
	s := e.q.state
	v, err := s.ready()
	if err != nil {
		return err
	}
	if e.kq, err = s.openQueue(v); err != nil {
		return err
	}
	if _, err := s.reapLocked(); err != nil {
		return err
	}
	all, err := s.table()
	if err != nil {
		return err
	}
	before, err := e.judge(all, v)
	if err != nil {
		return err
	}
	e.cameBefore, e.deadBefore, e.lostBefore = before.came-before.there, make(map[int]uint64), before.lost
	for i, a := range all {
		if a.state == protocol.EntryDied {
			e.deadBefore[i] = a.takes
		}
	}
	if e.index, err = e.choose(all); err != nil {
		return err
	}
	e.self = all[e.index]
	if err := e.displace(&v); err != nil {
		return err
	}
	came, _ := v.of(e.role)
	*came++
	e.self.sign(e.role)
	if e.counter = &e.self.sent; e.role == protocol.RoleConsumer {
		e.counter = &e.self.received
	}
	e.written = time.Now()
	// In this order: a receiver that saw that we have come, and nobody there, would take that for the end of the stream.
	if err := s.writeEntry(e.index, &e.self); err != nil {
		return err
	}
	return s.setState(v)
}

// choose finds an entry whose lease is free, and takes that. A successor takes the entry of one of its role who died: that makes good for
// the death.
func (e *end) choose(all []entry) (int, error) {
	if e.q.state.head.mode == protocol.SPSC {
		i := spscProducer
		if e.role == protocol.RoleConsumer {
			i = spscConsumer
		}
		ok, err := ofd.Lock(e.lease, unix.F_WRLCK, lockLease+int64(i), 1)
		if err == nil && !ok {
			err = fmt.Errorf("%w: %s", protocol.ErrBusy, e.q.state.holder(i))
		}
		return i, err
	}
	fits := [...]func(entry) bool{
		func(a entry) bool { return a.state == protocol.EntryDied && a.role == e.role },
		func(a entry) bool { return a.state == protocol.EntryNever || a.state == protocol.EntryClosed },
		func(a entry) bool { return a.state == protocol.EntryDied },
	}
	for _, fit := range fits {
		for i, a := range all {
			if !fit(a) {
				continue
			}
			if ok, err := ofd.Lock(e.lease, unix.F_WRLCK, lockLease+int64(i), 1); ok || err != nil {
				return i, err
			}
		}
	}
	return 0, fmt.Errorf("%w: all %d places are taken; wait until somebody leaves, or make the queue with more", protocol.ErrTooManyParticipants, len(all))
}

// displace has the state tell of the death of the peer whose entry we take, which will not tell of it any more. It comes before that: who is
// killed in between has hidden nothing.
func (e *end) displace(v *state) error {
	if e.self.state != protocol.EntryDied || e.self.role == e.role {
		return nil
	}
	came, lost := v.of(e.self.role)
	*lost = *came + 1
	return e.q.state.setState(*v)
}

// sign writes who we are.
func (a *entry) sign(role protocol.Role) {
	a.state, a.role, a.pid, a.attached = protocol.EntryActive, role, uint32(os.Getpid()), time.Now().UnixNano()
	a.takes++
	a.pidSpace, a.start, a.command = whoami.PIDNamespace(), whoami.StartTime(), [16]byte{}
	copy(a.command[:15], whoami.Command())
}

// judge counts the peers. The dead have been marked, or their leases tell.
func (e *end) judge(all []entry, v state) (verdict, error) {
	role := protocol.RoleConsumer
	if e.role == protocol.RoleConsumer {
		role = protocol.RoleProducer
	}
	came, lost := v.of(role)
	n := verdict{came: int(min(*came, 1<<40)), lost: *lost, leftovers: v.leftovers > 0, beginnings: v.leftoverBytes > 0}
	for i := range all {
		a := &all[i]
		if err := e.q.state.settle(i, a); err != nil {
			return verdict{}, err
		}
		switch {
		case a.role != role:
		case a.state == protocol.EntryActive:
			n.there++
		case a.state == protocol.EntryDied:
			n.died++
			if takes, before := e.deadBefore[i]; !before || takes != a.takes {
				n.diedSince++
			}
		}
	}
	if *lost > *came {
		n.died++
		if *lost != e.lostBefore {
			n.diedSince++
		}
	}
	return n, nil
}

// peers is what the table says now, read again if it may have changed.
func (e *end) peers() (v verdict, err error) {
	if !e.stale.Swap(false) {
		return e.known, nil
	}
	defer func() {
		if err != nil {
			e.stale.Store(true) // it has not been read
		}
	}()
	s := e.q.state
	now, err := s.state()
	if err != nil {
		return verdict{}, err
	}
	all, err := s.table()
	if err != nil {
		return verdict{}, err
	}
	// In this order: who takes a place is in the table before it is counted, and tells of whom it displaces before it is in the table.
	later, err := s.state()
	if err != nil {
		return verdict{}, err
	}
	now.producersLost, now.consumersLost = later.producersLost, later.consumersLost
	known, err := e.judge(all, now)
	if err != nil {
		return verdict{}, err
	}
	e.known = known
	return known, nil
}

// changed implements watched.
func (e *end) changed() {
	e.stale.Store(true)
	e.waiter.Interrupt()
}

// Interrupt has waiting methods return protocol.ErrClosed. Any goroutine may call it. It is meant to be followed by Close.
func (e *end) Interrupt() {
	e.closed.Store(true)
	e.waiter.Interrupt()
}

// stopped says why a wait should not begin, or go on.
func (e *end) stopped(ctx context.Context) error {
	if e.closed.Load() {
		return protocol.ErrClosed
	}
	return ctx.Err()
}

// wait calls try, which does not wait, for a while, and then f, which waits with our waiter, until it is not interrupted, or there is a reason to
// stop; between, check looks at the peers. The waiter is reset before everything is looked at that may interrupt it, so nothing is missed.
func (e *end) wait(ctx context.Context, check, try, f func() error) (err error) {
	e.counter.Waits++
	if e.tries.spin(func() bool { err = try(); return err != mq.ErrFull && err != mq.ErrEmpty }) {
		return e.explain(err)
	}
	stop := context.AfterFunc(ctx, e.waiter.Interrupt)
	defer stop()
	for {
		e.waiter.Reset()
		if err := e.stopped(ctx); err != nil {
			return err
		}
		if err := check(); err != nil {
			return err
		}
		e.counter.Parks++
		e.writeDown(100 * time.Millisecond)
		if err := f(); err != mq.ErrInterrupted {
			return e.explain(err)
		}
	}
}

// explain has an error of the kernel's queue say what it means here.
func (e *end) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s: %w: %w", e.q.path(), protocol.ErrRemoved, err)
	}
	return err
}

// writeDown writes our counters to the table, if that was last done so long ago.
func (e *end) writeDown(since time.Duration) {
	if e.counter.Messages == e.wrote {
		return // two who wait would wake each other with it for ever
	}
	if now := time.Now(); now.Sub(e.written) >= since {
		e.written, e.wrote = now, e.counter.Messages
		_ = e.q.state.writeEntry(e.index, &e.self) // for people; the next time may do better
	}
}

// count counts a message.
func (e *end) count(bytes int) {
	e.counter.Messages++
	e.counter.Bytes += uint64(bytes)
	if e.counter.Messages%4096 == 0 {
		e.writeDown(time.Second)
	}
}

// detach leaves in order: the entry says so before the lease goes. It does not need the table's lock for that, which a process may have that
// is stopped: as long as we have the lease, the entry is ours, and who finds the lease free reads the entry again.
func (e *end) detach() error {
	hubOf.remove(e)
	s := e.q.state
	e.self.state = protocol.EntryClosed
	err := s.writeEntry(e.index, &e.self)
	err = errors.Join(err, e.letGo())
	if s.head.transient {
		err = errors.Join(err, e.q.removeIfIdle())
	}
	return errors.Join(err, e.q.release())
}

// letGo gives back what attach took.
func (e *end) letGo() error {
	var err error
	if e.kq != nil {
		err = e.kq.Close()
	}
	if e.lease >= 0 {
		err = errors.Join(err, ofd.UnlockAndClose(e.lease))
		e.lease = -1
	}
	return err
}

// removeIfIdle removes a transient queue that is drained and that nobody is attached to. One that a sender closed before any receiver came
// is not: its end of stream is still to be read.
func (q *Queue) removeIfIdle() error {
	s := q.state
	ok, err := ofd.LockWithin(s.fd, unix.F_WRLCK, lockCreate, patience)
	if err != nil || !ok {
		return err // whoever holds it makes or removes it
	}
	defer ofd.Lock(s.fd, unix.F_UNLCK, lockCreate, 1)
	return s.locked(func() error {
		v, err := s.state()
		if err != nil || v.state != stateReady || v.leftovers > 0 || v.producers > 0 && v.consumers == 0 {
			return err
		}
		if a, err := q.look.Attr(); err != nil || a.Messages > 0 {
			return err
		}
		if err := s.removeLocked(false); !errors.Is(err, protocol.ErrBusy) {
			return err
		}
		return nil
	})
}
