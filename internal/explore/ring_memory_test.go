//go:build seam

package explore

import (
	"fmt"

	"shmpipe/protocol"
	"shmpipe/ring"
)

// granule is the size of one, in bytes.
const granule = protocol.MinGranule

// crowd is the memory of a ring.
type crowd struct {
	ring   ring.MPMCMemory
	leases leases
}

// leases stand for what the kernel and the participants' entries know: for each slot, who has locked it, and what became of the one who
// attached. All of it is one place: looking for a slot whose owner died, and locking it, is one step.
type leases []byte

const (
	never = iota
	active
	died
	closed
)

// holder is the process that has locked a slot, and whether there is one.
func (l leases) holder(slot uint8) (id int, held bool) { return int(l[2*slot]) - 1, l[2*slot] != 0 }
func (l leases) lock(slot uint8, id int)               { l[2*slot] = byte(id + 1) }
func (l leases) unlock(slot uint8)                     { l[2*slot] = 0 }
func (l leases) status(slot uint8) byte                { return l[2*slot+1] }
func (l leases) setStatus(slot uint8, s byte)          { l[2*slot+1] = s }
func (l leases) slots() uint8                          { return uint8(len(l) / 2) }

// dead is a slot whose owner died and was not recovered, and that nobody has locked.
func (l leases) dead() (slot uint8, ok bool) {
	for slot := range l.slots() {
		if _, held := l.holder(slot); !held && l.status(slot) == active {
			return slot, true
		}
	}
	return 0, false
}

// slots is how many participants there can be.
const slots = 8

// Places of a ring's memory.
const (
	tailPlace place = iota
	headPlace
	orphansPlace
	leasePlace
	firstWord
)

// newMemory is the memory of a ring before anybody has done anything.
func (c *config) newMemory() *memory {
	g := uint64(c.granules)
	controls := aligned(int(protocol.MPMCControlSize(slots, g)))
	words := controls[protocol.WordsOffset(slots):][:8*g]
	data := aligned(int(g * granule))
	r := &crowd{
		ring: ring.MPMCMemory{
			Control: controls, Data: data, MaxMessage: protocol.MPMCMaxPayload(g*granule, granule), Granule: granule,
			WordShift: c.shift, Participants: slots, Drop: c.drop,
		},
		leases: aligned(2 * slots),
	}
	m := &memory{of: r}
	m.share(controls[protocol.OffMPMCTail:][:8], 8)
	m.share(controls[protocol.OffMPMCHead:][:8], 8)
	m.share(controls[protocol.OffMPMCOrphans:][:8], 8)
	m.share(r.leases, len(r.leases))
	m.share(words, 8)
	m.share(data, granule)
	m.setWord(tailPlace, c.start)
	m.setWord(headPlace, c.start)
	for i := range g {
		lap := c.start / g
		if i < c.start%g {
			lap++
		}
		m.setWord(c.wordPlace(i), uint64(protocol.FreeWord(uint32(lap))))
	}
	for id, p := range c.parts {
		if !p.newcomer {
			r.leases.lock(uint8(id), id)
			r.leases.setStatus(uint8(id), active)
		}
	}
	return m
}

// wordPlace is where the word of an index is.
func (c *config) wordPlace(index uint64) place {
	bits := uint32(0)
	for 1<<bits < c.granules {
		bits++
	}
	left := c.shift % bits
	mask := uint64(c.granules - 1)
	return firstWord + place((index<<left|index>>(bits-left))&mask)
}

// wordIndex is the index of the granule whose word is at a place, if one is.
func (c *config) wordIndex(p place) (index uint64, ok bool) {
	for i := range uint64(c.granules) {
		if c.wordPlace(i) == p {
			return i, true
		}
	}
	return 0, false
}

// dataPlace is where a granule is.
func (c *config) dataPlace(index uint64) place { return firstWord + place(c.granules) + place(index) }

// dataIndex is the index of the granule at a place, if one is.
func (c *config) dataIndex(p place) (index uint64, ok bool) {
	index = uint64(p - c.dataPlace(0))
	return index, p >= c.dataPlace(0) && index < uint64(c.granules)
}

var stateNames = [...]string{"free", "claimed", "committed", "abandoned", "taken", "skipping", "orphan"}

// tellPlace says what is at a place.
func (c *config) tellPlace(p place, content []byte) string {
	switch {
	case p == leasePlace:
		l := leases(content)
		text := "leases"
		for slot := range l.slots() {
			if id, held := l.holder(slot); held || l.status(slot) != never {
				text += fmt.Sprintf(" %d:%d", slot, l.status(slot))
				if held {
					text += fmt.Sprintf("(%d)", id)
				}
			}
		}
		return text
	case p < firstWord:
		return fmt.Sprintf("%s=%d", [...]string{"tail", "head", "orphans"}[p], word(content))
	}
	if i, ok := c.wordIndex(p); ok {
		w := protocol.Word(word(content))
		state := fmt.Sprint(w.State())
		if int(w.State()) < len(stateNames) {
			state = stateNames[w.State()]
		}
		return fmt.Sprintf("word[%d]=%s(lap %d, span %d, owner %d)", i, state, w.Lap(), w.Span(), w.Owner())
	}
	i, _ := c.dataIndex(p)
	return fmt.Sprintf("data[%d]=%x", i, content[:12])
}
