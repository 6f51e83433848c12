package mqueue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/internal/mq"
	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

// Receiver is the receiving end. One goroutine at a time uses it; Interrupt may be called by others.
type Receiver struct {
	end
	buf   []byte // one of the queue's messages
	whole []byte // a message that came in parts
	last  message
	back  bool // last is to be delivered again

	part    fragment // of a message that is not whole yet: its first part, or the one that was left over
	partial bool     // there is such a one, in whole
	aside   []byte   // one of the queue's messages that could not be accepted yet
	turn    bool     // ours: we are in the middle of a message
	polls   int
}

// message is one as it is delivered.
type message struct {
	payload     []byte
	typ         uint16
	redelivered bool
	valid       bool
}

// Receiver takes the receiving role; errors are those of Sender.
func (q *Queue) Receiver(opts EndOptions) (*Receiver, error) {
	r := &Receiver{}
	if opts.Producers < 1 {
		opts.Producers = 1
	}
	if err := q.attach(&r.end, protocol.RoleConsumer, opts); err != nil {
		return nil, err
	}
	size := q.state.head.messageSize
	if a, err := r.kq.Attr(); err == nil {
		size = max(size, a.MessageSize) // whoever may open a System V queue may put larger ones there
	}
	r.buf = make([]byte, size)
	return r, nil
}

// Next waits for the next message; with a nil context it returns protocol.ErrEmpty if there is none. The payload is the Receiver's memory,
// valid until the next call. It returns io.EOF, protocol.ErrPeerDied, ErrClosed, the context's error, or one that matches
// protocol.ErrCorrupt or ErrRemoved.
//
// In a queue of many receivers whose messages come in parts, a receiver that returns with an error in the middle of one keeps the others from
// such messages until it goes on, or closes: then another goes on.
func (r *Receiver) Next(ctx context.Context) (payload []byte, typ uint16, redelivered bool, err error) {
	if r.closed.Load() {
		return nil, 0, false, protocol.ErrClosed // and Close may still be at work on what is in hand
	}
	if r.back {
		r.back = false
		r.count(len(r.last.payload))
		return r.deliver()
	}
	r.last.valid = false
	if r.known.leftovers || r.stale.Load() {
		if err := r.takeLeftover(); err != nil {
			return nil, 0, false, err
		}
		if r.last.valid {
			return r.deliver()
		}
	}
	if r.q.state.head.turns() {
		err = r.nextInTurn(ctx)
	} else {
		err = r.next(ctx)
	}
	if err != nil {
		return nil, 0, false, err
	}
	return r.deliver()
}

func (r *Receiver) deliver() ([]byte, uint16, bool, error) {
	return r.last.payload, r.last.typ, r.last.redelivered, nil
}

// Return has the message that was delivered last delivered again: by the next Next, or, if the Receiver is closed, to another, flagged as
// redelivered.
func (r *Receiver) Return() {
	if !r.left.Load() { // Close may still be at work
		r.putBack()
	}
}

func (r *Receiver) putBack() {
	if r.last.valid && !r.back {
		r.back = true
		r.counter.Messages--
		r.counter.Bytes -= uint64(len(r.last.payload))
	}
}

// next receives parts until a message is whole, or one was left over.
func (r *Receiver) next(ctx context.Context) error {
	for !r.last.valid {
		if r.aside != nil {
			if err := r.acceptAside(); err != nil {
				return err
			}
			continue
		}
		n, err := r.kq.TryReceive(r.buf)
		switch {
		case err != mq.ErrEmpty:
			err = r.explain(err)
		case ctx == nil:
			n, err = r.poll()
		default:
			n, err = r.await(ctx)
		}
		if err == errLeftover {
			continue
		}
		if err != nil {
			return err
		}
		if err := r.accept(r.buf[:n]); err != nil {
			if errors.Is(err, protocol.ErrBusy) {
				r.keepAside(r.buf[:n])
			}
			return err
		}
	}
	return nil
}

// These end a wait: a message was left over, and is ours now; a message came just as we looked whether any would.
var (
	errLeftover  = errors.New("a leftover came")
	errSomething = errors.New("something came")
)

// await waits for one of the queue's messages.
func (r *Receiver) await(ctx context.Context) (n int, err error) {
	err = r.wait(ctx, func() error {
		if err := r.takeLeftover(); err != nil {
			return err
		}
		if r.last.valid {
			return errLeftover
		}
		n, err = r.ended()
		switch err {
		case nil:
			return errSomething
		case protocol.ErrEmpty:
			return nil
		}
		return err
	}, func() error {
		n, err = r.kq.TryReceive(r.buf)
		return err
	}, func() error {
		n, err = r.kq.Receive(r.waiter, r.buf)
		return err
	})
	if err == errSomething {
		err = nil
	}
	return n, err
}

// poll is await for who does not wait.
func (r *Receiver) poll() (int, error) {
	if r.polls++; r.polls%64 == 0 && !hubOf.tells() {
		r.stale.Store(true)
	}
	return r.ended()
}

// ended returns protocol.ErrEmpty if a message may come, and otherwise why none will. What the senders did before they went is to be received
// first, so it looks once more: if one of the queue's messages is there, it is in the buffer, and the error is nil.
func (r *Receiver) ended() (int, error) {
	v, err := r.peers()
	if err != nil {
		return 0, err
	}
	if r.opts.Follow || v.there > 0 || v.came < r.opts.Producers {
		return 0, protocol.ErrEmpty
	}
	r.stale.Store(true) // the next call judges anew
	n, err := r.kq.TryReceive(r.buf)
	if err != mq.ErrEmpty {
		return n, r.explain(err)
	}
	if v.leftovers {
		if err := r.takeLeftover(); err != nil {
			return 0, err
		}
		if r.last.valid {
			return 0, errLeftover
		}
	}
	// Whoever sent the beginning of a message will not go on.
	r.dropPartial()
	if err := r.dropBeginnings(); err != nil {
		return 0, err
	}
	if v.died > 0 {
		return 0, protocol.ErrPeerDied
	}
	return 0, io.EOF
}

// accept takes one of the queue's messages. When a message is whole, it is r.last.
func (r *Receiver) accept(b []byte) error {
	f, part, err := parse(b, r.q.state.head.maxMessage)
	if err != nil {
		return fmt.Errorf("%s: %w; the message is lost", r.q.path(), err)
	}
	if f.flags&fragmentFirst != 0 {
		r.dropPartial()
		// The parts of a message lie together, so none of these goes on. It can wait, if a stopped process has the table: this message must not be
		// lost over it.
		if err := r.dropBeginnings(); err != nil && !errors.Is(err, protocol.ErrBusy) {
			return err
		}
		if f.flags&fragmentLast != 0 {
			r.done(part, f.typ)
			return nil
		}
		r.part, r.partial, r.whole = f, true, r.whole[:0]
	} else if !r.partial || !f.continues(r.part, len(r.whole)) {
		if err := r.findPartial(f); err != nil {
			return err
		}
		if !r.partial {
			return nil // the rest of a message whose beginning was thrown away
		}
	}
	r.whole = append(r.whole, part...)
	if f.flags&fragmentLast != 0 {
		r.partial = false
		r.done(r.whole, f.typ)
	}
	return nil
}

func (r *Receiver) done(payload []byte, typ uint16) {
	r.last = message{payload: payload, typ: typ, valid: true}
	r.count(len(payload))
}

// findPartial looks among the leftovers for the beginning that f goes on from.
func (r *Receiver) findPartial(f fragment) error {
	r.dropPartial()
	left, _, err := r.q.state.popLeftover(func(l leftover) choice {
		if l.partial && f.continues(l.fragment, len(l.payload)) {
			return choiceTake
		}
		return choiceLeave
	})
	if err != nil || left == nil {
		return err
	}
	r.part, r.partial, r.whole = left.fragment, true, append(r.whole[:0], left.payload...)
	return nil
}

// dropPartial throws a message away that its sender did not finish.
func (r *Receiver) dropPartial() {
	if r.partial {
		r.partial = false
		r.counter.Dropped++
	}
}

// dropBeginnings throws away what receivers left over of messages that their senders did not finish.
func (r *Receiver) dropBeginnings() error {
	if !r.known.beginnings {
		return nil
	}
	r.known.beginnings = false
	_, dropped, err := r.q.state.popLeftover(func(l leftover) choice {
		if l.partial {
			return choiceDrop
		}
		return choiceLeave
	})
	r.counter.Dropped += uint64(dropped)
	r.known.beginnings = errors.Is(err, protocol.ErrBusy)
	return err
}

// takeLeftover takes a whole message that another receiver left over, if there is one.
func (r *Receiver) takeLeftover() error {
	v, err := r.peers()
	if err != nil || !v.leftovers {
		return err
	}
	left, _, err := r.q.state.popLeftover(func(l leftover) choice {
		if l.partial {
			return choiceLeave // it waits for whoever receives the rest
		}
		return choiceTake
	})
	if err != nil {
		return err
	}
	if left == nil {
		r.known.leftovers = false
		return nil
	}
	r.done(append(r.whole[:0:0], left.payload...), left.typ)
	r.last.redelivered = true
	return nil
}

// nextInTurn is next where receivers take turns: one who has it may be in the middle of a message. Between messages nobody has it, so that
// those who wait do so for the queue, and not for each other.
func (r *Receiver) nextInTurn(ctx context.Context) error {
	for {
		if !r.turn {
			if err := r.turnOf(ctx, lockTakeTurn, func() error { return nil }); err == errNoTurn {
				return protocol.ErrEmpty
			} else if err != nil {
				return err
			}
			r.turn = true
		}
		err := r.next(noWait)
		if !r.partial && r.aside == nil {
			r.giveTurn()
		}
		if err != protocol.ErrEmpty || ctx == nil {
			return err
		}
		if err := r.waitForMore(ctx); err != nil {
			return err
		}
		if err := r.takeLeftover(); err != nil || r.last.valid {
			return err
		}
	}
}

// waitForMore waits until there is something in the queue, or something has changed.
func (r *Receiver) waitForMore(ctx context.Context) error {
	r.counter.Waits++
	stop := context.AfterFunc(ctx, r.waiter.Interrupt)
	defer stop()
	r.waiter.Reset()
	if err := r.stopped(ctx); err != nil || r.stale.Load() {
		return err
	}
	r.counter.Parks++
	r.writeDown(100 * time.Millisecond)
	if err := r.kq.Wait(r.waiter); err != mq.ErrInterrupted {
		return r.explain(err)
	}
	return r.stopped(ctx)
}

func (r *Receiver) giveTurn() {
	if r.turn {
		r.turn = false
		_, _ = ofd.Lock(r.lease, unix.F_UNLCK, lockTakeTurn, 1)
	}
}
