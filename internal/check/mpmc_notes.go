package check

import (
	"fmt"
	"time"

	"shmpipe/protocol"
)

// found is what keeps others waiting, or may.
type found struct {
	blocker spot // the first frame that nobody has taken, if it is claimed
	full    spot // the frame at the tail, if somebody has it in hand
	orphan  spot // the first orphan
	orphans int
}

// remember notes a sound frame.
func (c *crowd) remember(pos int64, w protocol.Word) {
	this := spot{pos, w}
	if w.State() == protocol.WordOrphan {
		if c.seen.orphans++; c.seen.orphans == 1 {
			c.seen.orphan = this
		}
	}
	if isWaiting(w) {
		if c.last.word == 0 && w.State() == protocol.WordClaimed && !c.dead(w) {
			c.seen.blocker = this
		}
		c.last = this
	}
	if c.dead(w) {
		m := &c.members[w.Owner()]
		if m.holds.word != 0 {
			m.more++
			return
		}
		m.holds = this
	}
}

// patience is how long a frame must have kept others waiting to be worth a note: on a ring at work, somebody always has one in hand.
var patience = 20 * time.Millisecond

// notes tells what keeps others waiting. What the dead hold stays as it is, but what others hold, and orphans, may be on their way.
func (c *crowd) notes() {
	for slot := range c.members {
		c.holdsDead(uint8(slot))
	}
	if c.seen.full.word != 0 && c.dead(c.seen.full.word) {
		c.seen.full = spot{}
	}
	waiting := [...]*spot{&c.seen.orphan, &c.seen.blocker, &c.seen.full}
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		left := 0
		for _, h := range waiting {
			if h.word != 0 && c.word(h.pos) != h.word {
				*h = spot{}
			}
			if h.word != 0 {
				left++
			}
		}
		if left == 0 || !time.Now().Before(end) {
			break
		}
	}
	c.holdsUp()
}

// holdsDead tells of what one who died holds.
func (c *crowd) holdsDead(slot uint8) {
	m := &c.members[slot]
	w := m.holds.word
	if w == 0 || c.word(m.holds.pos) != w {
		return
	}
	who, _ := c.who(slot)
	effect := "consumers wait for it"
	switch w.State() {
	case protocol.WordTaken:
		effect = "its message waits for another consumer"
		if c.r.Flags&protocol.RingFlagDrop != 0 {
			effect = "its space is not free yet"
		}
	case protocol.WordSkipping:
		effect = "its space is not free yet"
	}
	text := fmt.Sprintf("frame at position %d is %s by %s, which died: %s", m.holds.pos, stateNames[w.State()], who, effect)
	if m.more > 0 {
		text += fmt.Sprintf("; and it holds %d more", m.more)
	}
	c.note(m.holds.pos, text, adviseUnblock, nil)
}

// holdsUp tells of what the living hold, and of orphans.
func (c *crowd) holdsUp() {
	if h := c.seen.orphan; h.word != 0 {
		c.note(h.pos, fmt.Sprintf("frames that a consumer had in hand when it died or left, and that wait for another: %d, the first at position %d", c.seen.orphans, h.pos), adviseOrphan, nil)
	}
	if h := c.seen.blocker; h.word != 0 {
		who, holder := c.who(h.word.Owner())
		c.note(h.pos, fmt.Sprintf("all consumers wait for %s, which has claimed the frame at position %d and not committed it", who, h.pos), adviseHolder, holder)
	}
	if h := c.seen.full; h.word != 0 {
		who, holder := c.who(h.word.Owner())
		c.note(h.pos, fmt.Sprintf("the ring is full: all producers wait for %s, which has the frame at position %d in hand", who, h.pos), adviseHolder, holder)
	}
}

// note reports what is worth knowing about a frame. Advice has a place for the segment's name.
func (c *crowd) note(pos int64, text, advice string, holder *Holder) {
	c.report(Problem{Ring: c.ring, Offset: c.wordAt(pos), Text: text, Advice: fmt.Sprintf(advice, c.name()), Note: true, Holder: holder})
}
