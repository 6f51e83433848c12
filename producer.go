package shmpipe

import (
	"context"
	"sync/atomic"
	"time"

	"shmpipe/futex"
	"shmpipe/internal/fence"
	"shmpipe/protocol"
	"shmpipe/ring"
)

// Producer is the sending end of a ring. It must not be used concurrently, except that Close may be called at any time; use by two
// goroutines at once panics where it is noticed. Its methods allocate nothing, and make no system call unless they wait
// for space or the consumer sleeps.
type Producer struct {
	endpoint
	ring    *ring.Producer     // SPSC in shared memory; otherwise nil
	many    *ring.MPMCProducer // MPMC; nil in SPSC
	queue   *queueProducer     // of a message queue; nil in shared memory
	typ     uint16
	want    uint64 // bytes of the message that waits for space
	drain   bool   // what is waited for is an empty ring
	claimID uint64
	why     error // of the last method that was refused

	cursor, tail *atomic.Uint64 // in the control block, for Drain
}

// ProducerOf takes the producer's role of ring i. The error matches ErrBusy while a live process has it, and names it. If the last
// producer died, the role is free at once, and the new one goes on behind the last message that was committed. In MPMC mode
// there may be many; the error matches ErrTooManyParticipants if the participant table is full.
func (p *Pipe) ProducerOf(i int) (*Producer, error) {
	if p.queue != nil {
		if err := p.oneRing(i); err != nil {
			return nil, err
		}
		return p.newQueueProducer()
	}
	if p.mode(i) == MPMC {
		return p.newCrewProducer(i)
	}
	v := &Producer{}
	err := p.attach(i, protocol.RoleProducer, &v.endpoint, func(m ring.Memory) (err error) {
		v.sleepOn, v.wakeUp = gate(m.Control, protocol.OffSpaceGate), gate(m.Control, protocol.OffDataGate)
		v.cursor, v.tail = atomicWord(m.Control, protocol.OffCursor), atomicWord(m.Control, protocol.OffTail)
		m.Unfence = fence.Registered
		v.ring, err = ring.NewProducer(m, !fence.Registered())
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// gate is the gate at an offset of a control block.
func gate(control []byte, offset uint64) futex.Gate {
	return futex.NewGate(word32(control, offset+protocol.OffGateWaiting), word32(control, offset+protocol.OffGateSequence))
}

// SetType sets the type that messages sent from now on carry: a number that means something to the application. It is 0 at first.
func (p *Producer) SetType(typ uint16) { p.typ = typ }

// MaxMessage is the ring's message limit in bytes.
func (p *Producer) MaxMessage() int {
	switch {
	case p.queue != nil:
		return p.queue.MaxMessage()
	case p.many != nil:
		return p.many.MaxMessage()
	}
	return p.ring.MaxMessage()
}

// TrySend sends a copy of msg if there is space. It returns ErrFull, ErrTooLarge, ErrPeerClosed, ErrPeerDied, ErrClaimed, ErrClosed
// or an error that matches ErrCorrupt; then nothing was sent.
func (p *Producer) TrySend(msg []byte) error {
	if !p.start() && !p.refuse() {
		return p.why
	}
	if p.ring == nil {
		if p.queue != nil {
			return p.queueSend(noWait, msg)
		}
		return p.manyTry(p.many.Send(msg, p.typ))
	}
	if o := p.ring.Send(msg, p.typ); o != ring.Done {
		return p.end(p.refused(o))
	}
	if p.wakeUp.Waiting() {
		p.wake()
	}
	p.leave()
	return nil
}

// Send sends a copy of msg and waits for space if there is none. It returns nil, ErrTooLarge, ErrPeerClosed, ErrPeerDied, ErrClaimed,
// ErrClosed, the context's error, or one that matches ErrCorrupt; in all cases but nil, nothing was sent. A context that is done already
// is noticed only when Send has to wait.
func (p *Producer) Send(ctx context.Context, msg []byte) error {
	if !p.start() {
		return p.sendUnready(ctx, msg)
	}
	if p.ring == nil {
		if p.queue != nil {
			return p.queueSend(ctx, msg)
		}
		if o := p.many.Send(msg, p.typ); o != ring.Done {
			return p.manySend(ctx, msg, o)
		}
		p.sent()
		p.leave()
		return nil
	}
	if o := p.ring.Send(msg, p.typ); o != ring.Done {
		return p.sendSlow(ctx, msg, o)
	}
	if p.wakeUp.Waiting() {
		p.wake()
	}
	p.leave()
	return nil
}

// sendUnready is Send after start said no.
func (p *Producer) sendUnready(ctx context.Context, msg []byte) error {
	switch {
	case !p.refuse():
		return p.why
	case p.queue != nil:
		return p.queueSend(ctx, msg)
	case p.many != nil:
		return p.manySend(ctx, msg, p.many.Send(msg, p.typ))
	}
	return p.sendSlow(ctx, msg, p.ring.Send(msg, p.typ))
}

// sendSlow sends a message that was refused with o, as soon as there is space.
func (p *Producer) sendSlow(ctx context.Context, msg []byte, o ring.Outcome) error {
	for o == ring.Full {
		if err := p.waitFor(ctx, len(msg)); err != nil {
			return p.end(err)
		}
		o = p.ring.Send(msg, p.typ)
	}
	if o == ring.Done && p.wakeUp.Waiting() {
		p.wake()
	}
	return p.end(p.failure(o))
}

// TrySendBatch sends as many of the messages as there is space for, and makes them visible at once, with one wake-up. It returns
// how many, and why it stopped: nil if all were sent, otherwise as TrySend.
func (p *Producer) TrySendBatch(msgs [][]byte) (int, error) {
	if !p.start() && !p.refuse() {
		return 0, p.why
	}
	if p.ring == nil {
		return p.otherBatch(noWait, msgs)
	}
	n, o := p.ring.PutAll(msgs, p.typ)
	if n > 0 {
		p.publish()
	}
	if o != ring.Done {
		return n, p.end(p.refused(o))
	}
	p.leave()
	return n, nil
}

// SendBatch sends the messages, and makes as many visible at once as there is space for. It returns how many were sent, which is
// all of them unless the error is not nil; errors are those of Send.
func (p *Producer) SendBatch(ctx context.Context, msgs [][]byte) (int, error) {
	if !p.start() && !p.refuse() {
		return 0, p.why
	}
	if p.ring == nil {
		return p.otherBatch(ctx, msgs)
	}
	sent := 0
	for {
		n, o := p.ring.PutAll(msgs[sent:], p.typ)
		sent += n
		if n > 0 {
			p.publish()
		}
		if o == ring.Done {
			p.leave()
			return sent, nil
		}
		if o != ring.Full {
			return sent, p.end(p.failure(o))
		}
		if err := p.waitFor(ctx, len(msgs[sent])); err != nil {
			return sent, p.end(err)
		}
	}
}

// Drain waits until the consumer has finished everything that was sent; in MPMC mode, until consumers have finished everything that
// anyone had sent when it was called. It returns nil, ErrPeerClosed, ErrPeerDied, ErrClaimed,
// ErrClosed, the context's error, or one that matches ErrCorrupt.
func (p *Producer) Drain(ctx context.Context) error {
	// Not start: a consumer that finished everything and then left is as good as one that is there.
	if p.claimed() {
		if p.closed.Load() {
			return ErrClosed
		}
		return ErrClaimed
	}
	if !p.enter() {
		return p.turnAway()
	}
	switch {
	case p.queue != nil:
		return p.end(p.queue.Drain(ctx))
	case p.many != nil:
		return p.manyDrain(ctx)
	}
	if p.finished() {
		return p.end(nil)
	}
	p.drain = true
	err := p.wait(ctx, p)
	p.drain = false
	return p.end(err)
}

func (p *Producer) claimed() bool {
	held := false
	switch {
	case p.ring != nil:
		_, held = p.ring.Claimed()
	case p.many != nil:
		_, held = p.many.Claimed()
	default:
		held = p.queue.claimed
	}
	return held
}

// otherBatch sends the messages other than by an SPSC ring.
func (p *Producer) otherBatch(ctx context.Context, msgs [][]byte) (int, error) {
	if p.queue != nil {
		return p.queueBatch(ctx, msgs)
	}
	return p.manyBatch(ctx, msgs)
}

// finished reports whether the consumer has finished everything that was sent. Its cursor says so at once, and the head, which gives
// space back, when it is worth the trouble or when it sees us wait.
func (p *Producer) finished() bool { return p.cursor.Load() == p.tail.Load() }

// start starts a method if nothing is in the way; if something is, refuse finds out what. The consumer's status is on a line that
// hardly ever changes, so looking at it costs next to nothing. It is small enough to be inlined.
func (p *Producer) start() bool {
	was := p.use.load()
	p.use.store(was + useIn)
	return was == useIdle && !p.closed.Load() && protocol.Status(p.peer.Load()).State() != protocol.EntryClosed
}

// refuse is called when start has said no. It sets p.why to what is in the way and ends the method, unless nothing is: then it
// reports true, and the method goes on. It must not ask again what start found: a consumer may come meanwhile.
func (p *Producer) refuse() bool {
	closed := p.closed.Load()
	switch use := p.use.load(); {
	case use == useLent+useIn:
		p.lend() // as it was
		if p.why = ErrClaimed; closed {
			p.why = ErrClosed
		}
		return false
	case use != useIn:
		concurrentUse()
	case closed:
		p.why = ErrClosed
	case !p.left():
		return true
	default:
		p.why = ErrPeerClosed
	}
	p.leave()
	return false
}

// end ends a method with an error, which may be nil.
func (p *Producer) end(err error) error {
	p.leave()
	return err
}

// publish makes what was put visible, and wakes the consumer if it sleeps.
func (p *Producer) publish() {
	p.ring.Publish()
	if p.wakeUp.Waiting() {
		p.wake()
	}
}

func (p *Producer) wake() {
	if p.wakeUp.Wake() {
		p.ring.Count(protocol.CounterWakes)
	}
}

// refused is the error of a method that does not wait.
func (p *Producer) refused(o ring.Outcome) error {
	if o != ring.Full {
		return p.failure(o)
	}
	if !p.follow && p.pollDead() && p.peer.Load() != p.gone {
		return ErrPeerDied
	}
	return ErrFull
}

// failure is the error for an outcome that waiting does not mend; nil for Done.
func (p *Producer) failure(o ring.Outcome) error {
	switch o {
	case ring.TooLarge:
		return ErrTooLarge
	case ring.Broken:
		return p.broken()
	}
	return nil
}

// waitFor waits until a message of n bytes fits.
func (p *Producer) waitFor(ctx context.Context, n int) error {
	p.want = uint64(n)
	return p.wait(ctx, p)
}

// look implements waiting.
func (p *Producer) look(spins int, _ bool) ring.Outcome {
	if !p.drain {
		return p.ring.AwaitRoom(p.want, spins)
	}
	if p.finished() {
		return ring.Done
	}
	return p.ring.AwaitDrained(spins)
}

// vain implements waiting.
func (p *Producer) vain(prove bool) error {
	switch {
	case p.left():
		return ErrPeerClosed
	case prove && !p.follow && p.peer.Load() != p.gone && p.peerDead():
		return ErrPeerDied
	}
	return nil
}

// left reports whether a consumer was there and has closed. One that was gone before we came does not count: we are there for the
// next one.
func (p *Producer) left() bool {
	status := p.peer.Load()
	return !p.follow && status != p.gone && protocol.Status(status).State() == protocol.EntryClosed
}

func (p *Producer) broken() error {
	if p.many != nil {
		return p.tellBroken(p.many.Err())
	}
	return p.tellBroken(p.ring.Err())
}

// settle implements waiting. The consumer's store of the head is a fence, but that of the cursor, which Drain looks at, is not.
func (p *Producer) settle() time.Duration {
	if p.drain {
		return p.barrier()
	}
	return longest
}

// glance implements waiting.
func (p *Producer) glance() bool { return false }

func (p *Producer) waits() { p.ring.Count(protocol.CounterWaits) }
func (p *Producer) parks() { p.ring.Count(protocol.CounterParks) }
