package shmpipe

import (
	"context"
	"time"

	"shmpipe/internal/fence"
	"shmpipe/protocol"
	"shmpipe/ring"
)

// newCrewProducer takes a producer's place in MPMC ring i.
func (p *Pipe) newCrewProducer(i int) (*Producer, error) {
	v := &Producer{}
	err := p.attachCrew(i, protocol.RoleProducer, &v.endpoint, func(m ring.MPMCMemory, slot uint8) (err error) {
		v.sleepOn, v.wakeUp = v.crew.space, v.crew.data
		m.Fenced, m.Unfence = !fence.Registered(), fence.Registered
		v.many, err = ring.NewMPMCProducer(m, slot)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// manyTry ends an attempt to send, with outcome o.
func (p *Producer) manyTry(o ring.Outcome) error {
	if o != ring.Done {
		return p.end(p.manyRefused(o))
	}
	p.sent()
	p.leave()
	return nil
}

// manySend sends a message that was refused with o, as soon as there is space.
func (p *Producer) manySend(ctx context.Context, msg []byte, o ring.Outcome) error {
	for o == ring.Full {
		if err := p.waitMany(ctx, len(msg)); err != nil {
			return p.end(err)
		}
		o = p.many.Send(msg, p.typ)
	}
	if o != ring.Done {
		return p.end(p.failure(o))
	}
	p.sent()
	p.leave()
	return nil
}

// manyBatch sends the messages, as many at once as fit. With noWait it does not wait.
func (p *Producer) manyBatch(ctx context.Context, msgs [][]byte) (int, error) {
	sent := 0
	for sent < len(msgs) {
		n, o := p.many.SendBatch(msgs[sent:], p.typ)
		if sent += n; n > 0 {
			p.sent()
			continue
		}
		if o != ring.Full {
			return sent, p.end(p.failure(o))
		}
		if ctx == noWait {
			return sent, p.end(p.manyRefused(o))
		}
		if err := p.waitMany(ctx, len(msgs[sent])); err != nil {
			return sent, p.end(err)
		}
	}
	p.leave()
	return sent, nil
}

// manyClaim reserves space for n bytes. With noWait it does not wait.
func (p *Producer) manyClaim(ctx context.Context, n uint64) (Claim, error) {
	b, o := p.many.Claim(n)
	for o == ring.Full && ctx != noWait {
		if err := p.waitMany(ctx, int(n)); err != nil {
			return Claim{}, p.end(err)
		}
		b, o = p.many.Claim(n)
	}
	if o != ring.Done {
		return Claim{}, p.end(p.manyRefused(o))
	}
	return p.lendClaim(b), nil
}

// manyCommit ends the claim as a message of its first n bytes.
func (p *Producer) manyCommit(n uint64) error {
	var err error
	if o := p.many.Commit(n, p.typ); o != ring.Done {
		err = p.failure(o)
	}
	p.sent()
	return p.end(err)
}

// manyAbort gives the claim up. Messages behind it can be received now.
func (p *Producer) manyAbort() {
	if p.many.Abort() == ring.Broken {
		_ = p.broken() // the next method says so
	}
	p.sent()
	p.leave()
}

// manyDrain waits until everything that was sent to the ring, by anyone, is finished.
func (p *Producer) manyDrain(ctx context.Context) error {
	p.many.BeginDrain()
	if p.many.AwaitDrained(1) == ring.Done {
		return p.end(nil)
	}
	p.drain = true
	err := p.wait(ctx, (*manyProducer)(p))
	p.drain = false
	return p.end(err)
}

// sent wakes the consumers, if any sleeps. It is small enough to be inlined.
func (p *Producer) sent() {
	if p.wakeUp.Waiting() {
		p.wakeMany()
	}
}

func (p *Producer) wakeMany() {
	if p.wakeUp.Wake() {
		p.many.Count(protocol.SlotProducer + protocol.CounterWakes)
	}
}

// manyRefused is the error of a method that does not wait.
func (p *Producer) manyRefused(o ring.Outcome) error {
	p.sent() // see waitMany
	if o != ring.Full {
		return p.failure(o)
	}
	if err := (*manyProducer)(p).vain(p.pollDead()); err != nil {
		return err
	}
	return ErrFull
}

func (p *Producer) waitMany(ctx context.Context, n int) error {
	p.sent() // padding may have been placed, which a consumer must skip before the ring can drain
	p.want = uint64(n)
	return p.wait(ctx, (*manyProducer)(p))
}

// manyProducer is a Producer of an MPMC ring while it waits.
type manyProducer Producer

func (p *manyProducer) look(spins int, first bool) ring.Outcome {
	if p.drain {
		return p.many.AwaitDrained(spins)
	}
	if first && spins > 1 {
		p.many.LetDrain()
	}
	return p.many.AwaitRoom(p.want, spins)
}

// vain implements waiting. Space comes from consumers: if some were there since we came, and none is, it comes no more.
func (p *manyProducer) vain(prove bool) error {
	if prove {
		p.crew.buryDead()
		p.now = view{} // who changed an entry may have died before it said so
	}
	if p.follow {
		return nil
	}
	now, before := p.crew.look(&p.now).consumers, p.before.consumers
	gone := before.came - uint64(before.there) // those who had left, or died, when we came
	switch {
	case now.there > 0 || now.came == gone:
		return nil
	}
	for entry, status := range p.crew.deadConsumers() {
		if p.deadBefore[entry] != status {
			return ErrPeerDied
		}
	}
	if now.untold() && now.lost != before.lost {
		return ErrPeerDied
	}
	return ErrPeerClosed
}

func (p *manyProducer) broken() error { return (*Producer)(p).broken() }

// settle implements waiting. Besides the barrier: a frame that somebody has in hand may be what keeps the ring full.
func (p *manyProducer) settle() time.Duration {
	most := p.barrier()
	slot, blocked := p.many.Blocker(p.want)
	return min(most, p.behind(slot, blocked && !p.drain))
}

// glance implements waiting.
func (p *manyProducer) glance() bool { return false }

func (p *manyProducer) waits() {
	p.blockedSince = 0
	p.many.Count(protocol.SlotProducer + protocol.CounterWaits)
}
func (p *manyProducer) parks() { p.many.Count(protocol.SlotProducer + protocol.CounterParks) }

// noWait stands for a context where a method shall not wait.
var noWait context.Context
