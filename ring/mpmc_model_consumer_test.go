package ring

import (
	"bytes"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

type rowConsumer struct {
	c       *MPMCConsumer
	hand    *rowFrame
	again   bool
	fresh   bool // the message in hand has not been delivered
	flagged bool
	stale   bool // it was told of orphans and has not found all
}

// next is a step of a consumer that asks for a message.
func (s *crowdModel) next(slot uint8) {
	c := s.consumers[slot-firstConsumer]
	if c == nil {
		return
	}
	if c.hand != nil && !c.again {
		s.finishMessage(slot)
	}
	c.again, c.fresh = false, false
	if c.hand == nil {
		s.take(slot)
	}
	payload, typ, o := c.c.Next()
	if c.hand == nil {
		require.Equal(s.t, Empty, o, "%v", c.c.Err())
		s.checkBlocker(c)
	} else {
		require.Equal(s.t, Done, o, "%v", c.c.Err())
		want := c.hand.messages[0]
		require.True(s.t, bytes.Equal(want.payload, payload), "got %d bytes, want %d bytes, or the contents differ", len(payload), len(want.payload))
		require.Equal(s.t, []uint16{want.typ, want.typ}, []uint16{typ, c.c.Type()})
		s.taken++
	}
	s.check()
}

// finishMessage finishes the message in hand.
func (s *crowdModel) finishMessage(slot uint8) {
	c := s.consumers[slot-firstConsumer]
	s.counts[slot][protocol.SlotReceived]++
	s.counts[slot][protocol.SlotReceivedBytes] += uint64(len(c.hand.messages[0].payload))
	if c.flagged {
		s.counts[slot][protocol.SlotRedelivered]++
	}
	s.advance(c)
}

// advance goes on to the next message of the frame in hand, which nobody has seen, or gives the frame back.
func (s *crowdModel) advance(c *rowConsumer) {
	c.flagged = false
	if c.hand.messages = c.hand.messages[1:]; len(c.hand.messages) == 0 {
		s.finish(c.hand)
		c.hand = nil
	}
}

// take gives a consumer the next frame, if there is one: an orphan first, in the order of indexes.
func (s *crowdModel) take(slot uint8) {
	c := s.consumers[slot-firstConsumer]
	for c.stale {
		f := s.orphan()
		if f == nil {
			c.stale = false
			break
		}
		drop, was := s.m.Drop && f.owner == orphanOfDead, f.owner
		f.owner, f.state = slot, protocol.WordTaken
		c.hand, c.flagged = f, was != orphanUnseen
		if drop {
			s.dropped++
			s.advance(c)
		}
		if c.hand != nil {
			return
		}
	}
	if f := s.head(true); f != nil && f.state == protocol.WordCommitted {
		f.owner, f.state = slot, protocol.WordTaken
		c.hand = f
	}
}

func (s *crowdModel) orphan() (first *rowFrame) {
	for _, f := range s.frames {
		if f.state == protocol.WordOrphan && (first == nil || f.pos%crowdSize(s.m) < first.pos%crowdSize(s.m)) {
			first = f
		}
	}
	return first
}

// head is the first frame that nobody has taken, or nil. If skip is set, those that are abandoned are passed over, and finished.
func (s *crowdModel) head(skip bool) *rowFrame {
	for _, f := range append([]*rowFrame(nil), s.frames...) {
		switch {
		case f.state == protocol.WordAbandoned && skip:
			s.finish(f)
		case f.state == protocol.WordAbandoned || f.state == protocol.WordClaimed || f.state == protocol.WordCommitted:
			return f
		}
	}
	return nil
}

// checkBlocker demands that a consumer that has found nothing knows why.
func (s *crowdModel) checkBlocker(c *rowConsumer) {
	slot, blocked := c.c.Blocker()
	f := s.head(false)
	require.Equal(s.t, f != nil, blocked)
	if blocked {
		require.Equal(s.t, []uint8{f.owner, protocol.WordClaimed}, []uint8{slot, f.state})
	}
}

func (s *crowdModel) release(slot uint8) {
	c := s.consumers[slot-firstConsumer]
	if c == nil {
		return
	}
	if c.hand != nil && !c.again {
		s.finishMessage(slot)
		c.again, c.fresh = c.hand != nil, c.hand != nil
	}
	c.c.Release()
	s.check()
}

func (s *crowdModel) putBack(slot uint8) {
	if c := s.consumers[slot-firstConsumer]; c != nil {
		c.c.Return()
		c.again = c.hand != nil
		s.check()
	}
}

func (s *crowdModel) look(slot uint8, first bool) {
	c := s.consumers[slot-firstConsumer]
	if c == nil {
		return
	}
	want, f := Empty, s.head(false)
	if c.again || c.stale || f != nil && f.state != protocol.WordClaimed {
		want = Done
	}
	require.Equal(s.t, want, c.c.Look(1, first))
	if want == Empty {
		s.checkBlocker(c)
	}
	s.check()
}

// leave replaces a consumer, which leaves in order, with another.
func (s *crowdModel) leave(slot uint8) {
	c := s.consumers[slot-firstConsumer]
	if c == nil {
		return
	}
	c.c.Leave()
	if c.hand != nil {
		c.hand.owner, c.hand.state = orphanOfLeft, protocol.WordOrphan
		if c.fresh {
			c.hand.owner = orphanUnseen
		}
		s.tell()
	}
	require.False(s.t, c.c.Held())
	s.attach(slot)
	s.check()
}

func (s *crowdModel) tell() {
	for _, c := range s.consumers {
		if c != nil {
			c.stale = true
		}
	}
}

// die kills a participant where it stands. Nobody notices yet.
func (s *crowdModel) die(slot uint8) {
	if slot < firstConsumer {
		s.producers[slot] = nil
	} else {
		s.consumers[slot-firstConsumer] = nil
	}
	s.check()
}

// bury has a dead participant's slot recovered, and puts another there.
func (s *crowdModel) bury(slot uint8) {
	if slot < firstConsumer && s.producers[slot] != nil || slot >= firstConsumer && s.consumers[slot-firstConsumer] != nil {
		return
	}
	var want Recovered
	for _, f := range s.frames {
		switch {
		case f.owner != slot:
		case f.state == protocol.WordClaimed:
			f.owner, f.state, f.messages = 0, protocol.WordAbandoned, nil
			want.Abandoned++
		case f.state == protocol.WordTaken:
			f.owner, f.state = orphanOfDead, protocol.WordOrphan
			want.Orphaned++
		}
	}
	recoverCrowd(s.t, s.m, slot, want)
	s.tell()
	s.attach(slot)
	s.check()
}

// check demands what holds after every step.
func (s *crowdModel) check() {
	granules := crowdSize(s.m)
	for pos := s.tail - granules; pos < s.tail; pos++ {
		want := protocol.FreeWord(crowdLap(s.m, pos) + 1)
		if f := s.covering(pos); f != nil {
			want = protocol.FreeWord(crowdLap(s.m, pos))
			if f.pos == pos {
				want = protocol.NewWord(want.Lap(), f.span, f.owner, f.state)
			}
		}
		require.Equal(s.t, want, wordOf(s.m, pos), "position %d", pos)
	}
	head := s.tail
	if f := s.head(false); f != nil {
		head = f.pos
	}
	for i, at := range []uint64{s.tail, head} {
		hint := crowdShared(s.m, []uint64{protocol.OffMPMCTail, protocol.OffMPMCHead}[i]).Load()
		require.LessOrEqual(s.t, s.hints[i], hint, "a hint must not go back")
		require.LessOrEqual(s.t, hint, at, "a hint must not be too far on")
		require.Less(s.t, at-hint, granules/4, "a hint must not lag by more than a block")
		s.hints[i] = hint
	}
	for slot, want := range s.counts {
		for index, n := range want {
			require.Equal(s.t, n, slotCount(s.m, uint8(slot), uint64(index)), "counter %d of slot %d", index, slot)
		}
	}
	require.Equal(s.t, s.dropped, recoveryCount(s.m, protocol.RecoveryDropped))
	for _, p := range s.producers {
		if p != nil {
			require.NoError(s.t, p.p.Err())
			_, held := p.p.Claimed()
			require.Equal(s.t, p.claim != nil, held)
			if p.drain {
				require.Equal(s.t, s.drained(p), p.p.AwaitDrained(1))
			}
		}
	}
	for _, c := range s.consumers {
		if c != nil {
			require.NoError(s.t, c.c.Err())
			require.Equal(s.t, []bool{c.hand != nil, c.hand != nil && c.again, c.hand != nil && c.flagged}, []bool{c.c.Held(), c.c.Undelivered(), c.c.Redelivered()})
		}
	}
}
