package shmpipe

import (
	"context"
	"io"
	"time"

	"shmpipe/internal/fence"
	"shmpipe/protocol"
	"shmpipe/ring"
)

// newCrewConsumer takes a consumer's place in MPMC ring i.
func (p *Pipe) newCrewConsumer(i int) (*Consumer, error) {
	v := &Consumer{producers: uint64(p.opts.Producers)}
	err := p.attachCrew(i, protocol.RoleConsumer, &v.endpoint, func(m ring.MPMCMemory, slot uint8) (err error) {
		v.sleepOn, v.wakeUp = v.crew.data, v.crew.space
		m.Fenced, m.Unfence = !fence.Registered(), fence.Registered
		v.many, err = ring.NewMPMCConsumer(m, slot, v.freed)
		return err
	})
	if err != nil {
		return nil, err
	}
	v.guard.detach = v.detachCrewConsumer
	v.guard.lentWhenClosed = v.handBack
	return v, nil
}

// detachCrewConsumer finishes the message that was delivered last and leaves. One that was put back is for another consumer.
func (c *Consumer) detachCrewConsumer() error {
	c.handing.Lock()
	c.many.Release()
	c.handOver() // what was put back, or the rest of a batch
	c.handing.Unlock()
	return c.detachCrew()
}

// handBack hands the message in hand to another consumer: this one was closed while the user holds it. The user's view of it stays
// mapped, but may change.
func (c *Consumer) handBack() {
	c.handing.Lock()
	defer c.handing.Unlock()
	c.handOver()
}

func (c *Consumer) handOver() {
	if c.many.Held() {
		c.many.Leave()
		c.sleepOn.Broadcast() // other consumers
	}
}

// freed wakes the producers that sleep, after a frame was given back.
func (c *Consumer) freed() {
	if c.wakeUp.Wake() {
		c.many.Count(protocol.SlotConsumer + protocol.CounterWakes)
	}
}

// manyNext takes the next message. With noWait it does not wait.
func (c *Consumer) manyNext(ctx context.Context) ([]byte, error) {
	payload, _, o := c.many.Next()
	if o == ring.Done {
		return payload, nil
	}
	return c.manySlow(ctx, o)
}

// manySlow waits for a message after Next had none, with outcome o. With noWait it does not wait.
func (c *Consumer) manySlow(ctx context.Context, o ring.Outcome) ([]byte, error) {
	for {
		switch {
		case o == ring.Broken:
			return nil, c.broken()
		case ctx == noWait:
			return nil, c.manyNothing()
		}
		if err := c.wait(ctx, (*manyConsumer)(c)); err != nil {
			return nil, err
		}
		payload, _, next := c.many.Next()
		if next == ring.Done {
			return payload, nil
		}
		o = next
	}
}

// manyNothing is the error of a method that does not wait and found no message.
func (c *Consumer) manyNothing() error {
	found, err := c.inVain((*manyConsumer)(c), c.pollDead())
	if err == nil || found { // found: it came this very moment; the next call gets it
		return ErrEmpty
	}
	return err
}

// putBack ends the loan of a message that is to be delivered again.
func (c *Consumer) putBack() {
	if c.queue != nil { // it is in our own memory, and goes to the next consumer even if this one was closed meanwhile
		c.use.store(useIn)
		c.undo()
		c.leave()
		return
	}
	if c.resume() {
		c.undo()
		c.leave()
	}
}

// resume ends a loan and goes on with the method. It reports whether the consumer is open; if not, the message is another consumer's by
// now, and the method has ended.
func (c *Consumer) resume() bool {
	c.use.store(useIn)
	if c.closed.Load() {
		c.lentWhenClosed()
		c.leave()
		return false
	}
	return true
}

// manyPoll gives up to limit messages to fn. With noWait it does not wait for the first. If fn fails or panics, the message that it was
// given is not finished.
func (c *Consumer) manyPoll(ctx context.Context, limit int, fn func(msg []byte) error) (n int, err error) {
	payload, err := c.manyNext(ctx)
	if err != nil {
		return 0, c.end(err)
	}
	c.messageID++ // a Message that was lent before must not end this loan
	well := false
	defer func() {
		if !well {
			c.putBack()
		}
	}()
	for {
		well = false
		c.lend()
		if err = fn(payload); err != nil {
			return n, err
		}
		well = true
		c.use.store(useIn)
		if c.closed.Load() { // Close has handed the message to another consumer
			c.resume()
			return n, nil
		}
		if n++; n >= limit {
			c.many.Release()
			c.leave()
			return n, nil
		}
		var more bool
		if payload, _, more = c.many.NextInBatch(); more {
			continue
		}
		var o ring.Outcome
		if payload, _, o = c.many.Next(); o != ring.Done {
			if o == ring.Broken {
				err = c.broken()
			}
			c.leave()
			return n, err
		}
	}
}

// manyConsumer is a Consumer of an MPMC ring while it waits.
type manyConsumer Consumer

func (c *manyConsumer) look(spins int, first bool) ring.Outcome { return c.many.Look(spins, first) }

// vain implements waiting.
func (c *manyConsumer) vain(prove bool) error {
	if prove {
		c.crew.buryDead()
		c.now = view{} // who changed an entry may have died before it said so
	}
	if c.follow {
		return nil
	}
	switch p := c.crew.look(&c.now).producers; {
	case p.there > 0 || p.came < c.producers:
		return nil
	case p.died > 0 || p.untold():
		return ErrPeerDied
	}
	return io.EOF
}

func (c *manyConsumer) broken() error { return (*Consumer)(c).broken() }

// settle implements waiting. Besides the barrier: a frame that somebody has claimed holds up whatever is behind it.
func (c *manyConsumer) settle() time.Duration {
	most := c.barrier()
	slot, blocked := c.many.Blocker()
	return min(most, c.behind(slot, blocked))
}

// glance implements waiting. A look does what a glance is for.
func (c *manyConsumer) glance() bool { return false }

func (c *manyConsumer) waits() {
	c.blockedSince = 0
	c.many.Count(protocol.SlotConsumer + protocol.CounterWaits)
}
func (c *manyConsumer) parks() {
	c.many.Count(protocol.SlotConsumer + protocol.CounterParks)
	c.many.Slept()
}
