package check

import (
	"math/bits"

	"shmpipe/protocol"
)

// crowd is one pass over an MPMC ring.
//
// Where the tail is, no word says; the hint in the control block is not beyond it. So the pass walks from there, as a producer does,
// to the tail, and then looks at each granule below it, back to one whole round. All of those had been claimed when the walk came past,
// so on a live ring too each word is that of a frame of its lap, or one free for the next lap, or one of a later lap still; and then
// the tail has come as far as that word says. What belongs to a frame counts only if the frame's first word is the same before and
// after.
type crowd struct {
	*walk
	ring    int
	r       *protocol.Ring
	count   int64  // granules
	bits    int    // of an index
	base    uint64 // offset of the words
	members []member

	tail int64 // all before it has been claimed; a frame begins or will begin there
	last spot  // the frame seen last that nobody had taken
	seen found // what keeps others waiting, or may
}

// spot is a frame.
type spot struct {
	pos  int64
	word protocol.Word // 0 if there is none
}

func newCrowd(w *walk, ring int, r *protocol.Ring) *crowd {
	return &crowd{
		walk:    w,
		ring:    ring,
		r:       r,
		count:   int64(r.Granules()),
		bits:    bits.Len64(r.Granules()) - 1,
		base:    r.Control + protocol.WordsOffset(r.Participants),
		members: make([]member, r.Participants),
	}
}

// Positions are signed here: before the first round is complete, the last whole round begins below zero.

func (c *crowd) index(pos int64) uint64 { return uint64(pos) & uint64(c.count-1) }

func (c *crowd) lap(pos int64) uint32 { return uint32(pos >> c.bits) }

// wordAt is the offset of the word of the granule at a position.
func (c *crowd) wordAt(pos int64) uint64 { return c.base + 8*c.r.WordIndex(c.index(pos)) }

func (c *crowd) word(pos int64) protocol.Word { return protocol.Word(c.at(c.wordAt(pos))) }

// ahead is how many laps a word, read at a position, is ahead of it.
func (c *crowd) ahead(pos int64, w protocol.Word) int64 { return int64(int32(w.Lap() - c.lap(pos))) }

// dataAt is the offset of the granule at a position.
func (c *crowd) dataAt(pos int64) uint64 { return c.r.Data + c.index(pos)*uint64(c.r.Granule) }

// bad reports what is wrong at a granule.
func (c *crowd) bad(pos int64, why string) {
	c.broken(c.ring, c.wordAt(pos), "granule %d (position %d): %s", c.index(pos), pos, why)
}

// tooFast reports what could not be looked at.
func (c *crowd) tooFast(pos int64) {
	c.report(Problem{Ring: c.ring, Offset: c.wordAt(pos), Text: "it is used too fast to be walked; some of its frames were not looked at", Note: true})
}

// look looks at hints and granules, and then tells what keeps others waiting.
func (c *crowd) look() {
	if c.done {
		return
	}
	head, ok := c.hints()
	if ok && c.round(head) && !c.done {
		c.notes()
	}
}

// hints reads the hints and walks to the tail. The head's comes first: whatever it has passed has been claimed.
func (c *crowd) hints() (head int64, ok bool) {
	at := c.r.Control
	head = int64(c.at(at + protocol.OffMPMCHead))
	c.tail = int64(c.at(at + protocol.OffMPMCTail))
	hint := c.tail
	switch {
	case head < 0:
		c.broken(c.ring, at+protocol.OffMPMCHead, "head is %d, want less than 2^63", uint64(head))
	case hint < 0:
		c.broken(c.ring, at+protocol.OffMPMCTail, "tail is %d, want less than 2^63", uint64(hint))
	case !c.advance():
		c.tooFast(c.tail)
	case c.tail < head:
		c.broken(c.ring, at+protocol.OffMPMCHead, "head is %d, want at most where the tail is, %d", head, c.tail)
	default:
		return head, true
	}
	return head, false
}

// advance walks on to where the tail is now. It reports whether it got there.
func (c *crowd) advance() bool {
	for range 4*c.count + 1<<16 {
		w := c.word(c.tail)
		switch ahead := c.ahead(c.tail, w); {
		case ahead > 1: // laps have gone by: nothing between is of interest
			c.tail += (ahead - 1) << c.bits
		case ahead == 1:
			c.tail++
		case ahead < 0 || w.State() == protocol.WordFree || w.Span() == 0:
			return true
		default:
			c.tail += int64(w.Span())
		}
		if c.tail < 0 {
			return true // a breach, and the round will say so
		}
	}
	return false
}

// round looks at each granule of the round before the tail.
func (c *crowd) round(head int64) bool {
	tail := c.tail // it may move on
	for pos := tail - c.count; pos < tail && !c.done; {
		step, ok := c.granule(pos, head, tail)
		if !ok {
			return false
		}
		pos += step
	}
	w := c.word(tail)
	if c.ahead(tail, w) == -1 && w.State() == protocol.WordTaken {
		c.seen.full = spot{tail - c.count, w}
	}
	return true
}
