package ring

import (
	"unsafe"

	"shmpipe/internal/seam"
	"shmpipe/protocol"
)

// A frame that a consumer had taken when it died, or when it left, becomes an orphan. It lies behind the head, where nobody looks. So
// whoever made an orphan adds one to a generation afterwards, and each consumer looks through all words once for each new
// generation. The generation only says that there may be something new: nothing breaks if it grows for nothing, and a recoverer that
// dies between the two is followed by one that adds to it in any case.

// Who made the orphan, in the place of the owner.
const (
	orphanOfDead = 0 // a recoverer: the message in hand may be dropped, by the segment's policy
	orphanOfLeft = 1 // a consumer that left: it is delivered again in any case
	orphanUnseen = 2 // a consumer that left before it had delivered the message
)

// adopt looks for an orphan and takes it. It reports whether it has one.
func (c *MPMCConsumer) adopt(generation uint64) bool {
	if generation != c.scan {
		c.scan, c.scanAt = generation, 0
	}
	for c.scanAt <= c.mask {
		index := c.scanAt
		c.scanAt++
		seam.Again(seam.OrphanLoad)
		word := c.word(index)
		w := c.load(seam.OrphanLoad, word)
		if w.State() != protocol.WordOrphan {
			continue
		}
		if !c.sound(w, index) {
			return false
		}
		mine := w.With(c.slot, protocol.WordTaken)
		if c.swap(seam.OrphanTake, word, w, mine) {
			c.hand = hand{state: handHeld, index: index, place: word, word: mine, frame: c.at(index), at: c.at(index)}
			if w.Owner() != orphanUnseen {
				c.hand.state |= handOrphan
			}
			if c.mem.Drop && w.Owner() == orphanOfDead {
				c.hand.state |= handDrop
			}
			return true
		}
	}
	c.seen = c.scan
	return false
}

// Leave hands the frame in hand, if there is one, to another consumer. The payload that was delivered may change from then on. It may
// be called by another goroutine than the consumer's, while that is between two methods and will call none but Leave.
func (c *MPMCConsumer) Leave() {
	if !c.hand.is(handHeld) {
		return
	}
	left := uint8(orphanOfLeft)
	if c.hand.is(handFresh) {
		left = orphanUnseen
	}
	if c.swap(seam.OrphanPut, c.hand.place, c.hand.word, c.hand.word.With(left, protocol.WordOrphan)) {
		c.tell(seam.OrphanTell)
	}
	c.hand = hand{}
}

// tell says that there may be a new orphan.
func (c *crowd) tell(s seam.Site) {
	if seam.On {
		seam.At(s, orphansAt(c))
	}
	c.orphans.Add(1)
}

func orphansAt(c *crowd) unsafe.Pointer { return unsafe.Pointer(c.orphans) }
