package shmpipe

import "shmpipe/protocol"

// view is who takes part in a ring, or took.
type view struct {
	members   uint64 // generation
	producers roleView
	consumers roleView
}

// roleView counts the participants of a role.
type roleView struct {
	came  uint64 // how often somebody took the role
	there int    // entries of those who have not left, and are not known to be dead
	died  int    // entries of those who died and that nobody has taken since
	lost  uint64 // protocol.DisplacedOffset
}

// untold reports whether somebody of the role died and nobody has come since, though no entry says so.
func (r *roleView) untold() bool { return r.lost > r.came }

// look counts, unless nothing has changed since v.
func (c *crew) look(v *view) *view {
	members := c.members.Load()
	if v.members == members && v.members != 0 {
		return v
	}
	*v = view{members: members}
	first, end := c.entries()
	for entry := first; entry < end; entry++ {
		status, role := c.participant(entry)
		v.producers.came += status.Producers()
		v.consumers.came += status.Takes() - min(status.Takes(), status.Producers())
		r := &v.consumers
		if role == protocol.RoleProducer {
			r = &v.producers
		}
		switch status.State() {
		case protocol.EntryActive:
			r.there++
		case protocol.EntryDied:
			r.died++
		}
	}
	// After the entries: who took one of a dead participant had said so here before it changed it.
	v.producers.lost = c.displaced(protocol.RoleProducer).Load()
	v.consumers.lost = c.displaced(protocol.RoleConsumer).Load()
	return v
}

// deadConsumers are the entries of those who died and whose entries nobody has taken since; nil if there are none.
func (c *crew) deadConsumers() (found map[uint32]protocol.Status) {
	first, end := c.entries()
	for entry := first; entry < end; entry++ {
		if status, role := c.participant(entry); status.State() == protocol.EntryDied && role == protocol.RoleConsumer {
			if found == nil {
				found = make(map[uint32]protocol.Status)
			}
			found[entry] = status
		}
	}
	return found
}

// participant is the status of an entry, and the role that belongs to it: the role is written before the status, so it is right if the
// status has not changed meanwhile.
func (c *crew) participant(entry uint32) (protocol.Status, protocol.Role) {
	at := c.pipe.header.ParticipantOffset(entry)
	mem := c.pipe.seg.Bytes()
	for {
		status := c.status(entry)
		role := protocol.Role(uint32(atomicWord(mem, at+protocol.OffRole).Load()))
		if c.status(entry) == status {
			return status, role
		}
	}
}
