package shmpipe

import (
	"fmt"

	"shmpipe/protocol"
)

// Blocking names a participant that others wait for: it is alive, so nobody takes away what it has. A killed one blocks nobody.
type Blocking struct {
	Participant
	What string // what it does: "claimed a frame and has not committed it", "has a message in hand, and the ring is full"
}

func (b Blocking) String() string { return fmt.Sprintf("%v: %s", b.Participant, b.What) }

// What a participant does that others wait for.
const (
	blocksConsumers = "claimed a frame and has not committed it; consumers wait for that"
	blocksProducers = "has a message in hand, and the ring is full behind it; producers wait for that"
	notReading      = "does not read, and the ring is full"
)

// blocking finds who holds up ring i, if anybody does.
func (p *Pipe) blocking(i int) (Blocking, bool) {
	r := p.header.Rings[i]
	if r.Mode == MPMC {
		return p.crewOf(i).blocking()
	}
	// In SPSC nothing holds up the consumer: a message is there or not. The producer waits for the consumer when less is free than
	// its largest message needs.
	mem := p.seg.Bytes()
	cursor := atomicWord(mem, r.Control+protocol.OffCursor).Load() &^ protocol.CursorInHand
	tail := atomicWord(mem, r.Control+protocol.OffTail).Load()
	who := p.participant(i, r.FirstParticipant+protocol.SPSCConsumer)
	if who.State != "alive" || !who.Stopped || tail-cursor <= r.Capacity/2 {
		return Blocking{}, false
	}
	return Blocking{who, notReading}, true
}

// blocking looks at the frame at the head, which consumers may be waiting for, and if the ring is full, at the one in the way.
func (c *crew) blocking() (Blocking, bool) {
	name := func(w protocol.Word, what string) (Blocking, bool) {
		if !w.Owned() || uint32(w.Owner()) >= c.geo.Participants {
			return Blocking{}, false
		}
		who := c.pipe.participant(c.index, c.geo.FirstParticipant+uint32(w.Owner()))
		return Blocking{who, what}, who.State == "alive"
	}
	_, w := c.walk(protocol.OffMPMCHead, func(state uint8) bool { return state >= protocol.WordTaken })
	if w.State() == protocol.WordClaimed {
		return name(w, blocksConsumers)
	}
	tail, w := c.walk(protocol.OffMPMCTail, func(uint8) bool { return true })
	granules := c.geo.Granules()
	if w == protocol.FreeWord(uint32(tail/granules)) {
		return Blocking{}, false
	}
	for back := range granules { // the frame that covers the granule at the tail begins there or before
		if w := c.word(tail - back); w.State() != protocol.WordFree {
			if w.Owned() && w.Span() > back && w.State() != protocol.WordClaimed {
				return name(w, blocksProducers)
			}
			break
		}
	}
	return c.noneReads()
}

// noneReads names a consumer of a full ring if there are some and all of them are stopped.
func (c *crew) noneReads() (b Blocking, all bool) {
	first, end := c.entries()
	for entry := first; entry < end; entry++ {
		if status, role := c.participant(entry); status.State() != protocol.EntryActive || role != protocol.RoleConsumer {
			continue
		}
		who := c.pipe.participant(c.index, entry)
		if who.State != "alive" {
			continue
		}
		if !who.Stopped {
			return Blocking{}, false
		}
		b, all = Blocking{who, notReading}, true
	}
	return b, all
}

// walk goes from a hint over whatever is finished, and over frames in the states that pass says, and returns where that ends, and the
// word there; see ring.MPMCProducer for why it works.
func (c *crew) walk(hint uint64, pass func(state uint8) bool) (uint64, protocol.Word) {
	pos, granules := atomicWord(c.mem.Control, hint).Load(), c.geo.Granules()
	for range 2 * granules {
		w := c.word(pos)
		switch ahead := int32(w.Lap() - uint32(pos/granules)); {
		case ahead > 0:
			pos++
		case ahead == 0 && w.State() != protocol.WordFree && w.Span() > 0 && pass(w.State()):
			pos += w.Span()
		default:
			return pos, w
		}
	}
	return pos, c.word(pos)
}
