package shmpipe

import (
	"sync/atomic"

	"shmpipe/internal/seam"
	"shmpipe/protocol"
)

// displace is called by a newcomer that holds the lease of an entry, before it signs. Where one of the other role has died in that entry, it
// is what tells of that death, and will not any more. So the ring does, until somebody of that role comes.
//
// A newcomer that is killed in between has changed nothing: the entry tells of the death, and so does the ring.
func (c *crew) displace(entry uint32, role protocol.Role) {
	status, was := c.participant(entry)
	if s := status.State(); was == role || was != protocol.RoleProducer && was != protocol.RoleConsumer || s != protocol.EntryDied && s != protocol.EntryActive {
		return
	}
	now := c.look(&view{})
	lost := now.consumers.came + 1
	if was == protocol.RoleProducer {
		lost = now.producers.came + 1
	}
	word := c.displaced(was)
	if seam.On {
		mark(seam.AttachDisplace, word)
	}
	// Others displace, too, and may have counted more.
	for was := word.Load(); was < lost && !word.CompareAndSwap(was, lost); was = word.Load() {
	}
}

func (c *crew) displaced(role protocol.Role) *atomic.Uint64 {
	return atomicWord(c.mem.Control, protocol.DisplacedOffset(role))
}
