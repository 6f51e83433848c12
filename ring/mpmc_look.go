package ring

import (
	"shmpipe/internal/prefetch"
	"shmpipe/internal/seam"
	"shmpipe/internal/spin"
	"shmpipe/protocol"
)

// Look waits for a message, for at most spins looks with a pause between them. It returns Done, Empty or Broken; after Done, another
// consumer may still be faster. Before the first look of a wait (first is true), it may leave the lines alone for a while to
// let messages gather, as the consumer of an SPSC ring does.
func (c *MPMCConsumer) Look(spins int, first bool) Outcome {
	if first && c.gather.pauses > 0 {
		c.gather.letGather(c.backlog(), c.backlog)
	}
	for range spins {
		if o := c.ready(); o != Empty {
			if o == Done {
				c.found()
			}
			return o
		}
		spin.Pause(1)
		if c.gather.pauses == 0 { // the frame is written before the word, so have both come at once, as Consumer.Glance does
			frame := uintptr(addrAt(c.data, c.at(c.next)))
			prefetch.Read(frame)
			prefetch.Read(frame + cacheLine)
		}
	}
	return c.nothing()
}

// ready looks whether there is something to take. It says Empty only of the head itself: who is about to sleep relies on it.
func (c *MPMCConsumer) ready() Outcome {
	if seam.On {
		seam.At(seam.OrphanSeen, orphansAt(&c.crowd))
	}
	if c.hand.is(handAgain) || c.orphans.Load() != c.seen {
		return Done
	}
	for steps := 1; steps <= maxSteps; steps++ {
		if steps%hintEvery == 0 {
			c.next = c.further(seam.TakeHeadLoad, c.head, c.next)
		}
		w := c.load(seam.TakeWordLoad, c.word(c.next))
		switch ahead := int32(w.Lap() - c.lap(c.next)); {
		case ahead > 0:
			c.next++
			continue
		case ahead < 0:
			was := c.next
			if c.next = c.further(seam.TakeHeadLoad, c.head, was); c.next != was {
				continue
			}
			fallthrough
		case w.State() == protocol.WordFree:
			c.blocker = 0
			return Empty
		}
		if !c.sound(w, c.next&c.mask) {
			return Broken
		}
		switch w.State() {
		case protocol.WordClaimed:
			c.blocker = w
			return Empty
		case protocol.WordCommitted, protocol.WordAbandoned:
			return Done
		}
		c.next += w.Span()
	}
	return Done // not known; Next goes on from here
}

// backlog is how many bytes lie behind the frames that were taken. The hint lags by up to a block, which is much where few messages have
// gathered, so it walks on from there.
func (c *MPMCConsumer) backlog() uint64 {
	pos := c.next
	if h := c.tail.Load(); int64(h-pos) > 0 {
		pos = h
	}
	for range c.block + 1 {
		w := protocol.Word(c.word(pos).Load())
		if w.State() == protocol.WordFree || w.Lap() != c.lap(pos) {
			break
		}
		pos += w.Span()
	}
	return min((pos-c.next)<<c.shift, uint64(len(c.mem.Data)))
}

// found tells gather what a look found.
func (c *MPMCConsumer) found() {
	if c.gather.looked(c.backlog(), 1<<c.shift) {
		c.gather.tick(spin.Ticks(), c.received)
	}
}

// Slept tells the consumer that its caller slept while it waited.
func (c *MPMCConsumer) Slept() { c.gather.idle() }

// AwaitRoom looks, for at most spins times with a pause between them, whether a message of n bytes fits. It returns Done, Full,
// TooLarge or Broken; after Done, another producer may still be faster.
func (p *MPMCProducer) AwaitRoom(n uint64, spins int) Outcome {
	if n > p.maxMessage {
		return TooLarge
	}
	span := p.spanOf(n + protocol.FrameHeaderSize)
	for range spins {
		pos, o := p.findTail()
		if o == Done {
			o = p.restIsFree(pos, min(span, p.mask+1-pos&p.mask), protocol.FreeWord(p.lap(pos)))
		}
		if o == Empty { // others were faster, and there may be room behind them: try. Who is about to sleep relies on it.
			return Done
		}
		if o != Full {
			return o
		}
		spin.Pause(1)
	}
	return Full
}

// Blocker is the consumer that has what is in the way in hand, or gives it back, when a message of n bytes found the ring full.
func (p *MPMCProducer) Blocker(n uint64) (slot uint8, blocked bool) {
	free := protocol.FreeWord(p.lap(p.next))
	span := p.spanOf(n + protocol.FrameHeaderSize)
	for ahead := range min(span, p.mask+1-p.next&p.mask) {
		w := protocol.Word(p.word(p.next + ahead).Load())
		if w == free {
			continue
		}
		// A free word of the lap before lies within a frame that begins further back.
		for back := uint64(1); w.State() == protocol.WordFree && back <= p.mask; back++ {
			w = protocol.Word(p.word(p.next + ahead - back).Load())
		}
		return w.Owner(), w.Owned() && w.State() != protocol.WordClaimed && uint32(w.Owner()) < p.slots
	}
	return 0, false
}

// BeginDrain notes what has been sent, by anyone, for AwaitDrained.
func (p *MPMCProducer) BeginDrain() {
	for range maxTries {
		if _, o := p.findTail(); o != Empty {
			break
		}
	}
	p.drainTo = p.next
	p.drainAt = p.drainTo - min(p.drainTo, p.mask+1)
}

// AwaitDrained looks, for at most spins times with a pause between them, whether consumers have finished everything that BeginDrain
// noted. It returns Done, Full or Broken.
func (p *MPMCProducer) AwaitDrained(spins int) Outcome {
	for range spins {
		for p.drainAt != p.drainTo && int32(p.load(seam.ClaimWordLoad, p.word(p.drainAt)).Lap()-p.lap(p.drainAt)) > 0 {
			p.drainAt++ // free for the next lap, or in use in it
		}
		if p.drainAt == p.drainTo {
			return Done
		}
		spin.Pause(1)
	}
	if p.poisoned() {
		return Broken
	}
	return Full
}
