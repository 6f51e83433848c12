package ring

import (
	"sync/atomic"

	"shmpipe/internal/seam"
	"shmpipe/internal/spin"
	"shmpipe/protocol"
)

// MPMCConsumer is a receiving end of an MPMC ring. It must not be used concurrently; each has a slot of its own, and the caller holds
// the lease on that slot.
//
// At most one frame is in hand at a time: that of the message delivered last. It is given back when the frame's last message is
// finished, by Release or by the next Next. If the process dies meanwhile, the frame becomes an orphan, and another consumer gets
// what of it is not finished, flagged.
//
// # Progress
//
// Next is lock-free as long as frames are committed. It waits for a living producer that stopped between claim and commit,
// and Blocker says for which; for one that died only until that is proved.
type MPMCConsumer struct {
	crowd
	next  uint64 // where to walk from: a position at which the head has been
	hand  hand
	freed func()

	seen    uint64 // generation of orphans up to which all are known to be taken
	scan    uint64 // generation that is being looked for
	scanAt  uint64 // index at which the search goes on
	blocker protocol.Word

	received uint64 // bytes, for gather
	gather   gather
}

// NewMPMCConsumer attaches to a ring as a consumer in a slot whose predecessor, if it died, has been recovered. Freed is called after a
// frame was given back while somebody slept for space; it must not call back into the consumer. The error matches
// protocol.ErrCorrupt if the ring is poisoned.
func NewMPMCConsumer(m MPMCMemory, slot uint8, freed func()) (*MPMCConsumer, error) {
	c, err := join(m, slot, protocol.OffSpaceGate)
	if err != nil {
		return nil, err
	}
	v := &MPMCConsumer{crowd: c, freed: freed, gather: newGather(uint64(len(m.Data)), pausesPerMicrosecond(), spin.TicksPerMicrosecond())}
	v.next = v.further(seam.TakeHeadLoad, v.head, 0)
	return v, nil
}

// Next finishes the message in hand and delivers the next one: its payload, in place, and its type. It returns Done, Empty or Broken.
// The slice is valid until the next call of Next, Release, Return or Leave; after that, it must not be touched. Other processes can
// still write to it: read each byte once where they are not trusted.
func (c *MPMCConsumer) Next() ([]byte, uint16, Outcome) {
	switch c.hand.state {
	case handHeld:
		c.finishWhole()
	case handHeld | handBatch:
		if payload, typ, more := c.NextInBatch(); more {
			return payload, typ, Done
		}
	}
	if c.hand.state != 0 || c.err != nil {
		return c.nextAny(false)
	}
	if o := c.take(); o != Done {
		return nil, 0, o
	}
	header := c.readHeader()
	if c.hand.state != handHeld || !c.isMessage(header, c.hand.word.Span()<<(c.shift&63)) {
		return c.nextAny(true)
	}
	return c.payload()
}

// readHeader reads the header of the frame that was taken, once; the word that covers it has been seen.
func (c *MPMCConsumer) readHeader() uint64 {
	c.hand.header = *wordAt(c.data, c.hand.frame)
	return c.hand.header
}

// nextAny is Next for whatever may be in hand and come. Taken says that the next frame has been taken, and its header read.
func (c *MPMCConsumer) nextAny(taken bool) ([]byte, uint16, Outcome) {
	if c.err != nil {
		return nil, 0, Broken
	}
	if !taken && c.hand.is(handHeld) {
		if c.hand.is(handAgain) {
			c.hand.state &^= handAgain | handFresh
			return c.payload()
		}
		if c.finish() {
			return c.deliver()
		}
	}
	for range maxTries {
		if !taken {
			if o := c.take(); o != Done {
				return nil, 0, o
			}
			c.readHeader()
		}
		taken = false
		payload, typ, o := c.open()
		if o == Empty { // all of it was finished
			continue
		}
		if o != Done {
			return nil, 0, o
		}
		if !c.hand.is(handDrop) {
			return payload, typ, Done
		}
		c.hand.state &^= handDrop
		if c.drop() {
			return c.deliver()
		}
	}
	return nil, 0, Empty // so many frames had nothing to deliver; the caller looks at its context and comes again
}

// take takes the next frame, an orphan first.
func (c *MPMCConsumer) take() Outcome {
	if seam.On {
		seam.At(seam.OrphanSeen, orphansAt(&c.crowd))
	}
	if generation := c.orphans.Load(); generation != c.seen {
		if c.adopt(generation) {
			return Done
		}
		if c.err != nil {
			return Broken
		}
	}
	pos := c.next
	for steps := 1; ; {
		seam.Again(seam.TakeWordLoad)
		word, lap := c.word(pos), c.lap(pos)
		w := c.load(seam.TakeWordLoad, word)
		if w.Lap() == lap && c.isFrame(w, pos&c.mask) {
			if mine := w.With(c.slot, protocol.WordTaken); c.swap(seam.TakeWord, word, w, mine) {
				c.next = pos + w.Span()
				if (pos^c.next)&^c.block != 0 {
					c.passed(seam.TakeHead, c.head, pos, c.next)
				}
				c.hand.state, c.hand.index, c.hand.word, c.hand.place = handHeld, pos&c.mask, mine, word
				c.hand.frame = c.at(pos)
				c.hand.at = c.hand.frame
				return Done
			}
		} else {
			next, o := c.pass(pos, word, w)
			if o != Done {
				return o
			}
			pos = next
		}
		if steps++; steps > maxSteps {
			return Empty // so many others were faster; the caller looks at its context and comes again
		}
		if steps%hintEvery == 0 {
			pos = c.further(seam.TakeHeadLoad, c.head, pos)
		}
		c.next = pos
	}
}

// pass goes on from a position whose word w is not that of a message to be taken. It returns where to, and Done; or Empty, if
// there is nothing, or Broken.
func (c *MPMCConsumer) pass(pos uint64, word *atomic.Uint64, w protocol.Word) (uint64, Outcome) {
	ahead := int32(w.Lap() - c.lap(pos))
	if ahead > 0 { // whatever covered it is finished
		return pos + 1, Done
	}
	if ahead < 0 { // in use in the lap before; or this consumer was idle for half of all laps, and the head is far ahead
		if further := c.further(seam.TakeHeadLoad, c.head, pos); further != pos {
			return further, Done
		}
	}
	if ahead < 0 || w.State() == protocol.WordFree {
		c.blocker = 0
		return pos, c.nothing()
	}
	if !c.sound(w, pos&c.mask) {
		return pos, Broken
	}
	behind := pos + w.Span()
	switch w.State() {
	case protocol.WordCommitted: // sound, so it is a message, which take would have taken
		return pos, Done
	case protocol.WordClaimed:
		c.blocker = w
		return pos, c.nothing()
	case protocol.WordAbandoned:
		mine := w.With(c.slot, protocol.WordSkipping)
		if !c.swap(seam.SkipWord, word, w, mine) {
			return pos, Done
		}
		c.passed(seam.SkipHead, c.head, pos, behind)
		c.release(word, pos&c.mask, mine)
	}
	return behind, Done // somebody has it, or it was skipped
}

// broken lets go of the frame in hand: it is evidence, and nothing of it is delivered or given back any more.
func (c *MPMCConsumer) broken(err error) Outcome {
	c.hand = hand{}
	return c.breach.broken(err)
}

// nothing is the outcome where no frame can be taken.
func (c *MPMCConsumer) nothing() Outcome {
	if c.poisoned() {
		return Broken
	}
	return Empty
}

// Blocker is the participant that has claimed the frame at the head and not committed it, when Next or Look last found nothing.
func (c *MPMCConsumer) Blocker() (slot uint8, blocked bool) {
	return c.blocker.Owner(), c.blocker.State() == protocol.WordClaimed
}

// isMessage reports whether a header is that of a message that is alone in a frame of limit bytes, and sound.
func (c *MPMCConsumer) isMessage(header, limit uint64) bool {
	n := protocol.FrameLength(header)
	return protocol.IsData(header) && n <= limit-protocol.FrameHeaderSize && n <= c.maxMessage
}

// open looks into the frame that was taken, whose header has been read, and delivers its first message.
func (c *MPMCConsumer) open() ([]byte, uint16, Outcome) {
	limit, header := c.hand.word.Span()<<(c.shift&63), c.hand.header
	if c.isMessage(header, limit) {
		return c.payload()
	}
	if err := protocol.CheckMPMCFrame(header, c.hand.index, limit, c.maxMessage, true); err != nil {
		return nil, 0, c.broken(err)
	}
	n := protocol.FrameLength(header)
	c.hand.state |= handBatch
	c.hand.at += protocol.BatchHeaderSize
	c.hand.end = c.hand.at + n
	done := *wordAt(c.data, c.hand.frame+protocol.FrameHeaderSize)
	if done > n || done%protocol.FrameAlign != 0 {
		return nil, 0, c.broken(&protocol.CorruptError{Field: "progress of a batch", Offset: c.hand.index, Got: done, Want: "a multiple of 8 within the batch"})
	}
	c.hand.at += done
	if c.hand.at == c.hand.end { // whoever had it finished all of it and died before giving it back
		c.giveBack()
		return nil, 0, Empty
	}
	return c.deliver()
}

// NextInBatch is the part of Next that is for a message of a batch: it finishes the one in hand and delivers the one behind it. It reports
// whether it did; if not, because that was the last, because something else is in hand or the ring is broken, Next goes on from there.
func (c *MPMCConsumer) NextInBatch() (payload []byte, typ uint16, more bool) {
	if c.hand.state != handHeld|handBatch {
		return nil, 0, false
	}
	n := c.countReceived()
	c.noteProgress(n)
	if c.hand.at >= c.hand.end {
		c.giveBack()
		return nil, 0, false
	}
	header, limit := *wordAt(c.data, c.hand.at), c.hand.end-c.hand.at
	if limit < protocol.FrameHeaderSize || !c.isMessage(header, limit) {
		c.broken(protocol.CheckMPMCFrame(header, c.hand.index, limit, c.maxMessage, false))
		return nil, 0, false
	}
	c.hand.header = header
	payload, typ, _ = c.payload()
	return payload, typ, true
}

// deliver delivers the message of a batch at the place that hand says.
func (c *MPMCConsumer) deliver() ([]byte, uint16, Outcome) {
	header := *wordAt(c.data, c.hand.at)
	if err := protocol.CheckMPMCFrame(header, c.hand.index, c.hand.end-c.hand.at, c.maxMessage, false); err != nil {
		return nil, 0, c.broken(err)
	}
	c.hand.header = header
	return c.payload()
}

// payload is that of the message in hand.
func (c *MPMCConsumer) payload() ([]byte, uint16, Outcome) {
	n := protocol.FrameLength(c.hand.header)
	return bytesAt(c.data, c.hand.at+protocol.FrameHeaderSize, n), protocol.FrameType(c.hand.header), Done
}

// Type is the type of the message in hand.
func (c *MPMCConsumer) Type() uint16 { return protocol.FrameType(c.hand.header) }

// Redelivered reports whether the message in hand may have been seen by a consumer that died or left.
func (c *MPMCConsumer) Redelivered() bool { return c.hand.is(handOrphan) }

// Held reports whether a message is in hand.
func (c *MPMCConsumer) Held() bool { return c.hand.is(handHeld) }

// Release finishes the message in hand, if there is one. A batch is given back with its last message.
func (c *MPMCConsumer) Release() {
	if c.hand.state == handHeld {
		c.finishWhole()
		return
	}
	if c.hand.is(handHeld) && !c.hand.is(handAgain) && c.finish() {
		c.hand.state |= handAgain | handFresh // the next message of the batch
		if _, _, o := c.deliver(); o != Done {
			c.hand = hand{}
		}
	}
}

// Return puts the message in hand back as if it had not been delivered: the next Next delivers it again.
func (c *MPMCConsumer) Return() {
	if c.hand.is(handHeld) {
		c.hand.state |= handAgain
	}
}
