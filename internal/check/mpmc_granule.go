package check

import (
	"fmt"

	"shmpipe/protocol"
)

// granule looks at what begins at a position below the tail, and returns how many granules it takes.
func (c *crowd) granule(pos, head, tail int64) (step int64, ok bool) {
	const tries = 1000
	for range tries {
		w := c.word(pos)
		if err := protocol.CheckWord(w, c.index(pos), uint64(c.count), c.r.Participants); err != nil {
			c.bad(pos, err.Error())
			return 0, false
		}
		why := ""
		switch ahead := c.ahead(pos, w); {
		case ahead < 0:
			why = fmt.Sprintf("its word is of lap %d, want at least %d: the tail, %d, has passed it since", w.Lap(), c.lap(pos), tail)
		case ahead > 0:
			why = c.later(pos, w, ahead)
			step = 1
		case w.State() == protocol.WordFree:
			why = fmt.Sprintf("it is free for lap %d, but the tail, %d, has passed it, and no frame covers it", w.Lap(), tail)
		default:
			why = c.frame(pos, w, head, tail)
			step = int64(w.Span())
		}
		if why == "" {
			return step, true
		}
		if c.word(pos) == w { // else it has moved on meanwhile
			c.bad(pos, why)
			return 0, false
		}
	}
	c.tooFast(pos)
	return 0, false
}

// later explains what is wrong with a word of a later lap than that of the position: somebody must have come so far.
func (c *crowd) later(pos int64, w protocol.Word, ahead int64) string {
	laps := ahead // that the tail has gone on since it was here
	if w.State() == protocol.WordFree {
		laps--
	}
	if (c.tail-1-pos)>>c.bits < laps && c.advance() && (c.tail-1-pos)>>c.bits < laps {
		return fmt.Sprintf("its word is %s for lap %d, but the tail, %d, has not come there", stateNames[w.State()], w.Lap(), c.tail)
	}
	return c.inOrder(pos, "has been finished")
}

// inOrder explains what is wrong with a frame that somebody has taken: those before it have been taken too.
func (c *crowd) inOrder(pos int64, what string) string {
	if c.last.word == 0 {
		return ""
	}
	w := c.word(c.last.pos)
	if w.Lap() != c.last.word.Lap() || !isWaiting(w) {
		c.last = spot{}
		return ""
	}
	return fmt.Sprintf("its frame %s, but that at position %d, before it, is %s still", what, c.last.pos, stateNames[w.State()])
}

// isWaiting reports whether a word is that of a frame that nobody has taken.
func isWaiting(w protocol.Word) bool {
	switch w.State() {
	case protocol.WordClaimed, protocol.WordCommitted, protocol.WordAbandoned:
		return true
	}
	return false
}
