//go:build seam

package explore

import (
	"fmt"

	"shmpipe/internal/seam"
	"shmpipe/protocol"
)

// Events of a ring.
const (
	committed = iota + 1 // a message
	taken                // the messages from a to b, in order
	adopted              // a message that was put back, and b: it is dropped
	delivered            // a message, and b: with the flag
	finished             // a message
	torn
	changed // the word of slot a by another process
	drainBegun
	drained
)

var eventNames = [...]string{"", "committed", "taken", "adopted", "delivered", "finished", "torn", "changed", "drain begun", "drained"}

func tellEvent(e event) string { return fmt.Sprintf("[%s %d %d]", eventNames[e.kind], e.a, e.b) }

// extra are the granules that a step depends on without accessing them by itself: those of the frame that is in hand or that
// is taken. Between two marks the code reads the headers of what it holds.
func (c *config) extra(p *process) []place {
	i, isWord := c.wordIndex(p.place)
	switch {
	case p.site == seam.ClaimPayload: // a message of a batch need not end where a granule ends
		i, _ = c.dataIndex(p.place)
		return c.granulesFrom(i, min(2, c.maxSpan()))
	case isWord && (p.site == seam.CommitWord || p.site == seam.TakeWord || p.site == seam.OrphanTake):
		return c.granulesFrom(i, c.maxSpan())
	case p.inHand != nowhere:
		i, _ = c.dataIndex(p.inHand)
		return c.granulesFrom(i, c.maxSpan())
	}
	return nil
}

// granulesFrom are the places of so many granules from an index on, as far as there are.
func (c *config) granulesFrom(index, n uint64) (list []place) {
	for i := index; i < min(index+n, uint64(c.granules)); i++ {
		list = append(list, c.dataPlace(i))
	}
	return list
}

// filter: a recoverer takes no notice of words that nobody owns.
func filter(p *process) bool {
	return p.site != seam.RecoverLoad || protocol.Word(word(p.before)).Owned()
}

// silent: the code reads the headers of what it has in hand.
func silent(p *process) bool { return p.inHand != nowhere || p.site == seam.OrphanTake }

// stepped tells what a step did to a word.
func (c *config) stepped(p *process) {
	index, ok := c.wordIndex(p.place)
	now := p.mem.places[p.place]
	if !ok || string(p.before) == string(now) {
		return
	}
	was := protocol.Word(word(p.before))
	switch p.site {
	case seam.TakeWord, seam.OrphanTake:
		p.inHand = c.dataPlace(index)
	case seam.ReleaseWord, seam.OrphanPut:
		p.inHand = nowhere
	}
	if p.mute {
		return
	}
	if a := p.app.(*app); was.Owned() && was.Owner() != a.slot {
		p.tell(changed, was.Owner(), 0)
	}
	switch p.site {
	case seam.CommitWord, seam.TakeWord, seam.OrphanTake:
		c.tellFrame(p, index, was)
	}
}

// tellFrame tells what is in a frame that was committed or taken.
func (c *config) tellFrame(p *process, index uint64, was protocol.Word) {
	f := c.readFrame(p.mem, index)
	switch {
	case !f.sound:
		p.tell(torn, 0, 0)
	case p.site == seam.CommitWord:
		for id := f.first; id <= f.last; id++ {
			p.tell(committed, uint8(id), 0)
		}
	case p.site == seam.TakeWord:
		p.tell(taken, uint8(f.first), uint8(f.last))
	case f.inHand <= f.last:
		drop := uint8(0)
		if c.drop && was.Owner() == 0 {
			drop = 1
		}
		p.tell(adopted, uint8(f.inHand), drop)
	}
}

// ringOracle knows what was promised.
type ringOracle struct {
	c         *config
	consumers []int
	producers []int
	sender    []int // of each message
	index     []int // of each message among those of its sender
}

// What the oracle keeps: a bit for each message, but for the last, which has four for each producer.
const (
	keptCommitted = iota
	keptUnflagged // delivered without the flag
	keptFinished
	keptDropped
	keptNoted // committed when a drain began
	keptOrder // how many of a producer's messages were taken
	keptSize
)

func newRingOracle(c *config) *ringOracle {
	o := &ringOracle{c: c}
	for id, p := range c.parts {
		if p.consumes {
			o.consumers = append(o.consumers, id)
		} else {
			o.producers = append(o.producers, id)
		}
	}
	for m := range c.lengths() {
		id, index := c.sender(m)
		o.sender = append(o.sender, id)
		o.index = append(o.index, index)
	}
	if len(o.sender) > 16 || len(c.parts) > 8 {
		panic("more messages or processes than the oracle can keep")
	}
	return o
}

func (o *ringOracle) size() int { return keptSize }

func (o *ringOracle) hear(v view, id int, e event) string {
	kept := v.kept()
	bit := uint16(1) << e.a
	switch e.kind {
	case committed:
		if kept[keptCommitted]&bit != 0 {
			return fmt.Sprintf("message %d is committed twice", e.a)
		}
		kept[keptCommitted] |= bit
	case taken:
		return o.take(kept, int(e.a), int(e.b))
	case adopted:
		if e.b != 0 {
			kept[keptDropped] |= bit
			kept[keptFinished] |= bit
		}
	case delivered:
		return o.deliver(kept, e, bit)
	case finished:
		kept[keptFinished] |= bit
	case torn:
		return "torn message"
	case drainBegun:
		kept[keptNoted] = kept[keptCommitted]
	case drained:
		if left := kept[keptNoted] &^ kept[keptFinished]; left != 0 {
			return fmt.Sprintf("messages %b are not finished, and a drain that began behind them is over", left)
		}
	case changed:
		l := leases(v.content(leasePlace))
		if holder, held := l.holder(e.a); !held || holder != id {
			return fmt.Sprintf("the word of participant %d is changed by process %d, which does not have its lease", e.a, id)
		}
	}
	return ""
}

func (o *ringOracle) take(kept []uint16, first, last int) string {
	shift := 4 * o.producerOf(first)
	before := int(kept[keptOrder]>>shift) & 15
	switch {
	case kept[keptCommitted]>>first&1 == 0:
		return fmt.Sprintf("message %d is taken and was never committed", first)
	case o.index[first] < before:
		return fmt.Sprintf("message %d is taken after a later one of its producer, or twice", first)
	}
	kept[keptOrder] += uint16(o.index[last]+1-before) << shift
	return ""
}

// producerOf is the number among the producers of a message's sender.
func (o *ringOracle) producerOf(message int) (n int) {
	for o.producers[n] != o.sender[message] {
		n++
	}
	return n
}

func (o *ringOracle) deliver(kept []uint16, e event, bit uint16) string {
	flagged := e.b != 0
	taken := int(kept[keptOrder]>>(4*o.producerOf(int(e.a))))&15 > o.index[e.a]
	switch {
	case kept[keptCommitted]&bit == 0:
		return fmt.Sprintf("message %d is delivered and was never committed", e.a)
	case kept[keptDropped]&bit != 0:
		return fmt.Sprintf("message %d is delivered and was dropped", e.a)
	case flagged && !taken:
		return fmt.Sprintf("message %d is delivered with the flag, and nobody has had it", e.a)
	case !flagged && kept[keptUnflagged]&bit != 0:
		return fmt.Sprintf("message %d is delivered twice without the flag", e.a)
	}
	if !flagged {
		kept[keptUnflagged] |= bit
	}
	return ""
}

// settled: every living producer is done, every committed message is finished, by a consumer or by the policy, and every frame is
// given back. Without a living consumer nothing more can be asked.
func (o *ringOracle) settled(v view) bool {
	living := false
	for _, id := range o.consumers {
		living = living || o.takesPart(v, id)
	}
	if !living {
		return true
	}
	kept := v.kept()
	if kept[keptCommitted]&^kept[keptFinished] != 0 {
		return false
	}
	for _, id := range o.producers {
		if o.takesPart(v, id) {
			return false
		}
	}
	for i := range uint64(o.c.granules) {
		if protocol.Word(word(v.content(o.c.wordPlace(i)))).State() != protocol.WordFree {
			return false
		}
	}
	return true
}

// takesPart reports whether a process is alive and not at its end, and has a slot or will find its slot free.
func (o *ringOracle) takesPart(v view, id int) bool {
	if v.dead(id) || v.done(id) {
		return false
	}
	p := o.c.parts[id]
	if !p.newcomer {
		return true
	}
	before := o.c.parts[p.slot]
	return v.dead(p.slot) || v.done(p.slot) && (before.detaches || before.leaves > 0)
}
