package shmpipe

import (
	"context"
	"io"
	"sync"
	"time"

	"shmpipe/protocol"
	"shmpipe/ring"
)

// Consumer is the receiving end of a ring. It must not be used concurrently, except that Close may be called at any time; use by
// two goroutines at once panics where it is noticed. Its methods allocate nothing, and make no system call unless they wait
// for a message or the producer sleeps.
//
// One message at a time is in hand: the one received last. It is finished when the next one is asked for, or by Close. If the
// process dies before that, the next consumer gets it again, flagged. So it does, in MPMC mode, if the Consumer is closed while a
// Message is held that was not released.
type Consumer struct {
	endpoint
	ring      *ring.Consumer     // SPSC in shared memory; otherwise nil
	many      *ring.MPMCConsumer // MPMC; nil in SPSC
	queue     *queueConsumer     // of a message queue; nil in shared memory
	producers uint64             // that must have come and closed for the end of stream
	messageID uint64             // of the message that is lent

	handing sync.Mutex // held while Close, or the end of a loan after it, hands a message to another consumer
}

// ConsumerOf takes the consumer's role of ring i. The error matches ErrBusy while a live process has it, and names it. If the last
// consumer died, the role is free at once; the message that it had in hand comes again, flagged as redelivered.
//
// In MPMC mode there may be many; the error matches ErrTooManyParticipants if the participant table is full. Each message goes to one
// consumer, and that of one who died to another.
func (p *Pipe) ConsumerOf(i int) (*Consumer, error) {
	if p.queue != nil {
		if err := p.oneRing(i); err != nil {
			return nil, err
		}
		return p.newQueueConsumer()
	}
	if p.mode(i) == MPMC {
		return p.newCrewConsumer(i)
	}
	v := &Consumer{producers: uint64(p.opts.Producers)}
	err := p.attach(i, protocol.RoleConsumer, &v.endpoint, func(m ring.Memory) (err error) {
		v.sleepOn, v.wakeUp = gate(m.Control, protocol.OffDataGate), gate(m.Control, protocol.OffSpaceGate)
		v.ring, err = ring.NewConsumer(m, v.credited)
		return err
	})
	if err != nil {
		return nil, err
	}
	v.guard.detach = v.detachConsumer
	return v, nil
}

// detachConsumer finishes the message in hand and gives all credit back before the role goes.
func (c *Consumer) detachConsumer() error {
	c.ring.Release()
	c.ring.Rest()
	return c.detach()
}

// credited wakes the producer, if it sleeps, after the ring gave credit back.
func (c *Consumer) credited() {
	if c.wakeUp.Wake() {
		c.ring.Count(protocol.CounterWakes)
	}
}

// TryReceive copies the next message to buf if there is one, and returns its length. It returns ErrEmpty, io.EOF (every producer
// has closed, and the ring is drained), ErrPeerDied (likewise, but the producer died), ErrClosed, io.ErrShortBuffer, or an error that
// matches ErrCorrupt. With io.ErrShortBuffer, n is the message's length, and it stays to be received.
func (c *Consumer) TryReceive(buf []byte) (n int, err error) {
	if !c.enter() {
		return 0, c.turnAway()
	}
	if c.ring == nil {
		return c.otherReceive(noWait, buf)
	}
	payload, _, o := c.ring.Next()
	if o != ring.Done {
		return 0, c.end(c.nothing(o))
	}
	return c.copyOut(buf, payload)
}

// Receive copies the next message to buf, waits for one if there is none, and returns its length. It returns io.EOF, ErrPeerDied,
// ErrClosed, io.ErrShortBuffer, the context's error, or one that matches ErrCorrupt; see TryReceive. A context that is done already
// is noticed only when Receive has to wait.
func (c *Consumer) Receive(ctx context.Context, buf []byte) (n int, err error) {
	if !c.enter() {
		return 0, c.turnAway()
	}
	if c.ring == nil {
		if c.many != nil {
			payload, _, o := c.many.Next()
			if o != ring.Done {
				if payload, err = c.manySlow(ctx, o); err != nil {
					return 0, c.end(err)
				}
			}
			return c.copyOut(buf, payload)
		}
		return c.otherReceive(ctx, buf)
	}
	payload, _, o := c.ring.Next()
	if o != ring.Done {
		if payload, err = c.nextSlow(ctx, o); err != nil {
			return 0, c.end(err)
		}
	}
	return c.copyOut(buf, payload)
}

// copyOut ends a receive.
func (c *Consumer) copyOut(buf, payload []byte) (int, error) {
	n := copy(buf, payload)
	if n < len(payload) {
		n = len(payload)
		c.undo()
		c.leave()
		return n, io.ErrShortBuffer
	}
	c.leave()
	return n, nil
}

// undo has the message in hand delivered again by the next call.
func (c *Consumer) undo() {
	switch {
	case c.ring != nil:
		c.ring.Return()
	case c.many != nil:
		c.many.Return()
	default:
		c.queue.Return()
	}
}

// otherNext takes the next message other than from an SPSC ring. With noWait it does not wait.
func (c *Consumer) otherNext(ctx context.Context) ([]byte, error) {
	if c.queue != nil {
		return c.queueNext(ctx)
	}
	return c.manyNext(ctx)
}

// otherReceive copies the next message to buf.
func (c *Consumer) otherReceive(ctx context.Context, buf []byte) (int, error) {
	payload, err := c.otherNext(ctx)
	if err != nil {
		return 0, c.end(err)
	}
	return c.copyOut(buf, payload)
}

// otherLend delivers the next message in place.
func (c *Consumer) otherLend(ctx context.Context) (Message, error) {
	payload, err := c.otherNext(ctx)
	if err != nil {
		return Message{}, c.end(err)
	}
	return c.lendMessage(payload), nil
}

// nextSlow waits for a message after Next had none, with outcome o.
func (c *Consumer) nextSlow(ctx context.Context, o ring.Outcome) ([]byte, error) {
	for {
		if o == ring.Broken {
			return nil, c.broken()
		}
		if err := c.wait(ctx, c); err != nil {
			return nil, err
		}
		payload, _, next := c.ring.Next()
		if next == ring.Done {
			return payload, nil
		}
		o = next
	}
}

// Message is a message in place. A Message belongs to the goroutine that uses the Consumer.
type Message struct { // four words: the compiler keeps no more than that in registers
	c    *Consumer
	data *byte
	len  int
	id   uint64
}

// TryNext delivers the next message in place, without copying it, if there is one. Errors are those of TryReceive.
func (c *Consumer) TryNext() (Message, error) {
	if !c.enter() {
		return Message{}, c.turnAway()
	}
	if c.ring == nil {
		return c.otherLend(noWait)
	}
	payload, _, o := c.ring.Next()
	if o != ring.Done {
		return Message{}, c.end(c.nothing(o))
	}
	return c.lendMessage(payload), nil
}

// Next delivers the next message in place, without copying it, and waits for one if there is none. Errors are those of Receive. The
// message is finished by Release, or by the next call of a method of the Consumer.
func (c *Consumer) Next(ctx context.Context) (Message, error) {
	if !c.enter() {
		return Message{}, c.turnAway()
	}
	if c.ring == nil {
		if c.many != nil {
			payload, _, o := c.many.Next()
			if o != ring.Done {
				var err error
				if payload, err = c.manySlow(ctx, o); err != nil {
					return Message{}, c.end(err)
				}
			}
			return c.lendMessage(payload), nil
		}
		return c.otherLend(ctx)
	}
	payload, _, o := c.ring.Next()
	if o != ring.Done {
		var err error
		if payload, err = c.nextSlow(ctx, o); err != nil {
			return Message{}, c.end(err)
		}
	}
	return c.lendMessage(payload), nil
}

func (c *Consumer) lendMessage(payload []byte) Message {
	c.messageID++
	c.lend()
	return Message{c, startOf(payload), len(payload), c.messageID}
}

// Bytes is the payload, in shared memory: valid until Release or until the Consumer is used otherwise; after that, it must not be
// touched. The producer's process could still change it; read each byte once where it is not trusted.
func (m Message) Bytes() []byte { return bytesAt(m.data, m.len) }

// Type is the type that the producer gave the message.
func (m Message) Type() uint16 { return m.c.Type() }

// Redelivered reports whether a consumer that died may have seen the message.
func (m Message) Redelivered() bool { return m.c.Redelivered() }

// Release finishes the message. It does nothing if that has happened already.
func (m Message) Release() {
	if m.c != nil { // so little that it is inlined
		m.c.finishMessage(m.id)
	}
}

// finishMessage finishes a message, if it is lent still. For one of a ring it is finishLoan, in one function.
func (c *Consumer) finishMessage(id uint64) {
	switch {
	case !c.isLent(id):
	case c.ring != nil:
		c.ring.Release()
		c.restIfAwaited()
		c.leave()
	case c.many != nil:
		c.use.store(useIn)
		if c.closed.Load() {
			c.finishLoan()
			return
		}
		c.many.Release()
		c.leave()
	default:
		c.finishLoan()
	}
}

// finishLoan ends the loan of a message and finishes it.
func (c *Consumer) finishLoan() {
	if c.ring == nil {
		if c.resume() {
			c.release()
			c.leave()
		}
		return
	}
	c.release()
	c.leave()
}

// release finishes the message in hand. What came of a queue is finished as it is taken.
func (c *Consumer) release() {
	switch {
	case c.many != nil:
		c.many.Release()
	case c.ring != nil:
		c.ring.Release()
		c.restIfAwaited()
	}
}

// restIfAwaited gives all credit back to a producer that waits, perhaps in Drain: we may not come back soon.
func (c *Consumer) restIfAwaited() {
	if c.wakeUp.Waiting() {
		c.ring.Rest()
	}
}

// lent reports whether the message is in the user's hands still.
func (m Message) lent() bool {
	return m.c != nil && m.c.isLent(m.id)
}

func (c *Consumer) isLent(id uint64) bool { return id == c.messageID && c.use.load() == useLent }

// Type is the type of the message received last.
func (c *Consumer) Type() uint16 {
	switch {
	case c.queue != nil:
		return c.queue.typ
	case c.many != nil:
		return c.many.Type()
	}
	return c.ring.Type()
}

// Redelivered reports whether the message received last may have been seen by a consumer that died.
func (c *Consumer) Redelivered() bool {
	switch {
	case c.queue != nil:
		return c.queue.redelivered
	case c.many != nil:
		return c.many.Redelivered()
	}
	return c.ring.Redelivered()
}

func (c *Consumer) end(err error) error {
	c.leave()
	return err
}

// nothing is the error of a method that does not wait and found no message.
func (c *Consumer) nothing(o ring.Outcome) error {
	if o == ring.Broken {
		return c.broken()
	}
	found, err := c.inVain(c, c.pollDead())
	if err == nil || found { // found: it came this very moment; the next call gets it
		return ErrEmpty
	}
	return err
}

// look implements waiting.
func (c *Consumer) look(spins int, first bool) ring.Outcome { return c.ring.Look(spins, first) }

// vain implements waiting.
func (c *Consumer) vain(prove bool) error {
	if c.follow {
		return nil
	}
	status := protocol.Status(c.peer.Load())
	switch {
	case status.State() == protocol.EntryClosed && status.Epoch() >= c.producers:
		return io.EOF
	case prove && c.peerDead():
		return ErrPeerDied
	}
	return nil
}

func (c *Consumer) broken() error {
	if c.many != nil {
		return c.tellBroken(c.many.Err())
	}
	return c.tellBroken(c.ring.Err())
}

// settle implements waiting. The producer may publish without a fence, so make one on its processor, or have it make them itself.
func (c *Consumer) settle() time.Duration { return c.barrier() }

// glance implements waiting.
func (c *Consumer) glance() bool { return c.ring.Glance() }

func (c *Consumer) waits() { c.ring.Count(protocol.CounterWaits) }
func (c *Consumer) parks() {
	c.ring.Count(protocol.CounterParks)
	c.ring.Slept()
}
