package mqueue

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/internal/mq"
	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

// Sender is the sending end. One goroutine at a time uses it; Interrupt may be called by others.
type Sender struct {
	end
	buf  []byte // one of the queue's messages
	turn bool   // ours
}

// Sender takes the sending role. With one of each, the error matches protocol.ErrBusy while a live process has it, and names it; with many,
// protocol.ErrTooManyParticipants if the table is full. It matches protocol.ErrRemoved if the queue was removed.
func (q *Queue) Sender(opts EndOptions) (*Sender, error) {
	s := &Sender{}
	if err := q.attach(&s.end, protocol.RoleProducer, opts); err != nil {
		return nil, err
	}
	s.buf = make([]byte, q.state.head.messageSize)
	return s, nil
}

// MaxMessage is the limit in bytes.
func (s *Sender) MaxMessage() int { return s.q.state.head.maxMessage }

// Send sends a copy of msg and waits for room if there is none; with a nil context it returns protocol.ErrFull instead. A message that takes
// more of the queue's own messages than the queue holds cannot be sent without waiting. It returns protocol.ErrTooLarge, ErrPeerClosed,
// ErrPeerDied, ErrClosed, the context's error, or one that matches protocol.ErrRemoved; in all cases but nil, nothing is delivered.
func (s *Sender) Send(ctx context.Context, msg []byte, typ uint16) error {
	h := s.q.state.head
	if len(msg) > h.maxMessage {
		return protocol.ErrTooLarge
	}
	if s.closed.Load() {
		return protocol.ErrClosed
	}
	if s.stale.Load() {
		if err := s.gone(false); err != nil {
			return err
		}
	}
	var err error
	s.number++
	if h.turns() {
		err = s.takeTurn(ctx)
	}
	if err == nil {
		err = s.sendParts(ctx, msg, typ)
	}
	s.giveTurn()
	if err == nil {
		s.count(len(msg))
	}
	return err
}

// sendParts sends a message, in as many parts as it takes.
func (s *Sender) sendParts(ctx context.Context, msg []byte, typ uint16) error {
	chunk := s.q.state.head.chunk()
	if ctx == nil && len(msg) > chunk {
		if err := s.room(len(msg), chunk); err != nil {
			return err
		}
	}
	f := fragment{typ: typ, sender: uint32(s.index) | uint32(s.self.takes)<<8, number: s.number, total: uint32(len(msg))}
	for at := 0; ; {
		n := min(chunk, len(msg)-at)
		if f.offset, f.flags = uint32(at), 0; at == 0 {
			f.flags |= fragmentFirst
		}
		if at+n == len(msg) {
			f.flags |= fragmentLast
		}
		f.put(s.buf)
		copy(s.buf[fragmentHeader:], msg[at:at+n])
		if err := s.put(ctx, s.buf[:fragmentHeader+n]); err != nil {
			return err // receivers throw away what was sent of it
		}
		if at += n; at == len(msg) {
			return nil
		}
	}
}

// put puts one of the queue's messages.
func (s *Sender) put(ctx context.Context, b []byte) error {
	err := s.kq.TrySend(b)
	if err != mq.ErrFull {
		return s.explain(err)
	}
	if ctx == nil {
		return s.full()
	}
	return s.wait(ctx,
		func() error { return s.gone(true) },
		func() error { return s.kq.TrySend(b) },
		func() error { return s.kq.Send(s.waiter, b) })
}

// room reports, as an error, whether all parts fit now. Nobody else sends meanwhile: we are alone, or it is our turn.
func (s *Sender) room(size, chunk int) error {
	a, err := s.kq.Attr()
	if err != nil {
		return s.explain(err)
	}
	parts := (size + chunk - 1) / chunk
	if a.MaxMessages > 0 && parts > a.MaxMessages-a.Messages || a.MaxMessages == 0 && int64(size+parts*fragmentHeader) > a.QueueBytes-a.Bytes {
		return s.full()
	}
	return nil
}

// full is the error of a send that does not wait.
func (s *Sender) full() error {
	if err := s.gone(true); err != nil {
		return err
	}
	return protocol.ErrFull
}

// gone says whether receivers were there since we came and none is; dead ones count only when the queue is full.
func (s *Sender) gone(full bool) error {
	if s.opts.Follow {
		s.stale.Store(false)
		return nil
	}
	v, err := s.peers()
	switch {
	case err != nil:
		return err
	case v.there > 0 || v.came == s.cameBefore:
		return nil
	}
	s.stale.Store(true) // nothing tells of it a second time
	switch {
	case v.diedSince == 0:
		return protocol.ErrPeerClosed
	case full:
		return protocol.ErrPeerDied
	}
	return nil
}

// takeTurn waits until no other sender is in the middle of a message.
func (s *Sender) takeTurn(ctx context.Context) error {
	err := s.turnOf(ctx, lockSendTurn, func() error { return s.gone(true) })
	s.turn = err == nil
	if err == errNoTurn {
		return s.full()
	}
	return err
}

func (s *Sender) giveTurn() {
	if s.turn {
		s.turn = false
		_, _ = ofd.Lock(s.lease, unix.F_UNLCK, lockSendTurn, 1)
	}
}

// Drain waits until receivers have taken everything that anyone has sent. What they have in hand counts as received, as it does for the queue.
// Nothing tells of an empty queue, so it looks, ever less often, up to a hundred times a second. Errors are those of Send.
func (s *Sender) Drain(ctx context.Context) error {
	for pause := 50 * time.Microsecond; ; pause = min(2*pause, 10*time.Millisecond) {
		a, err := s.kq.Attr()
		if err != nil {
			return s.explain(err)
		}
		s.stale.Store(true) // for the leftovers
		v, err := s.peers()
		if err != nil {
			return err
		}
		if a.Messages == 0 && !v.leftovers {
			s.stale.Store(true) // the next Send shall see what this look has seen
			return nil
		}
		if err := s.stopped(ctx); err != nil {
			return err
		}
		if err := s.gone(true); err != nil {
			return err
		}
		if err := s.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// Close gives the role back: receivers see the end of stream behind the last message. Closing again does nothing.
func (s *Sender) Close() error {
	s.closed.Store(true)
	if s.left.Swap(true) {
		return nil
	}
	return s.detach()
}
