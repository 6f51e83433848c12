//go:build seam

package explore

import "shmpipe/internal/seam"

// config is a ring with some processes.
type config struct {
	name     string
	granules int
	start    uint64 // position of tail and head in the beginning
	shift    uint32
	drop     bool
	crashes  int
	parts    []part
	large    bool // it takes seconds

	lengthOf []int
}

// part is what one process does. Those who are no newcomers have the slots in the order in which they are listed.
type part struct {
	sends    []sending // a producer's
	consumes bool
	newcomer bool // takes a slot as soon as the one who has it dies or leaves
	slot     int  // a newcomer: of which part
	releases bool // a consumer: calls Release, not only Next
	leaves   int  // a consumer: leaves with so many messages received, the last of them in hand; 0: never
	detaches bool // a producer: gives its slot back at the end
	rescues  bool // looks for slots of the dead when it finds nothing to do
	drains   bool // a producer: waits in the end until all is finished. One of a config's at most
	looks    bool // before it goes on, it looks whether it can: Look or AwaitRoom
}

// sending is one thing that a producer does.
type sending struct {
	how     how
	lengths []int // of the messages, in bytes
}

type how uint8

const (
	send how = iota
	batch
	claim   // claim, write, commit
	abandon // claim, write, abort
)

// lengths are those of all messages.
func (c *config) lengths() []int {
	if c.lengthOf == nil {
		for _, p := range c.parts {
			for _, s := range p.sends {
				if s.how != abandon {
					c.lengthOf = append(c.lengthOf, s.lengths...)
				}
			}
		}
	}
	return c.lengthOf
}

// firstMessage is the number of the first message of a process.
func (c *config) firstMessage(id int) (n int) {
	for _, p := range c.parts[:id] {
		for _, s := range p.sends {
			if s.how != abandon {
				n += len(s.lengths)
			}
		}
	}
	return n
}

// sender is the process that sends a message, and which of its messages it is.
func (c *config) sender(message int) (id, index int) {
	for id := len(c.parts) - 1; ; id-- {
		if first := c.firstMessage(id); first <= message {
			return id, message - first
		}
	}
}

// maxSpan is how many granules the largest frame takes.
func (c *config) maxSpan() (span uint64) {
	for _, p := range c.parts {
		for _, s := range p.sends {
			for _, n := range s.lengths {
				span = max(span, (uint64(n)+granule+7)/granule)
			}
		}
	}
	return span
}

// system is what the explorer explores.
func (c *config) system() *system {
	s := &system{
		name:        c.name,
		memory:      c.newMemory,
		shows:       shows,
		ignored:     ignored,
		filter:      filter,
		extra:       c.extra,
		silent:      silent,
		stepped:     c.stepped,
		crashed:     crashed,
		crashPlaces: []place{leasePlace},
		crashes:     c.crashes,
		oracle:      newRingOracle(c),
		tellPlace:   c.tellPlace,
		tellEvent:   tellEvent,
	}
	for id, p := range c.parts {
		s.programs = append(s.programs, c.program(id, p))
	}
	return s
}

// crashed does what the kernel does when a process dies: its locks go.
func crashed(id int, m *memory) {
	l := m.of.(*crowd).leases
	for slot := range l.slots() {
		if holder, held := l.holder(slot); held && holder == id {
			l.unlock(slot)
		}
	}
}

// shows says what the accesses of a ring show. A compare-and-swap shows whether it succeeded.
var shows = map[seam.Site]show{
	seam.ClaimPadding:   showsSuccess,
	seam.ClaimWord:      showsSuccess,
	seam.ClaimTail:      showsNothing,
	seam.ClaimPayload:   showsNothing,
	seam.CommitWord:     showsNothing,
	seam.AbortWord:      showsNothing,
	seam.TakeWord:       showsSuccess,
	seam.TakeHead:       showsNothing,
	seam.TakePayload:    showsNothing,
	seam.SkipWord:       showsSuccess,
	seam.SkipHead:       showsNothing,
	seam.TakeProgress:   showsNothing,
	seam.OrphanTake:     showsSuccess,
	seam.OrphanPut:      showsSuccess,
	seam.OrphanTell:     showsNothing,
	seam.ReleaseInner:   showsNothing,
	seam.ReleaseWord:    showsNothing,
	seam.RecoverAbandon: showsSuccess,
	seam.RecoverOrphan:  showsSuccess,
	seam.RecoverInner:   showsNothing,
	seam.RecoverWord:    showsSuccess,
	seam.RecoverTell:    showsNothing,
	dropLease:           showsNothing,
	setStatus:           showsNothing,
}

// ignored are fields of endpoints that only measure, or lead to what is shared.
var ignored = map[string]bool{
	"mem": true, "gather": true, "received": true, "blocker": true, "err": true,
}
