package check

import (
	"fmt"

	"shmpipe/protocol"
)

// member is what was found of one participant.
type member struct {
	status protocol.Status // when it was looked at
	died   bool            // active, and its lease was free
	holds  spot            // the first frame of its, if it died
	more   int             // further ones
}

// entryAt is the offset of a participant's entry.
func (c *crowd) entryAt(slot uint8) uint64 {
	return c.header.ParticipantOffset(c.r.FirstParticipant + uint32(slot))
}

func (c *crowd) status(slot uint8) protocol.Status {
	return protocol.Status(c.at(c.entryAt(slot) + protocol.OffStatus))
}

// participants looks at the ring's entries of the participant table.
func (c *crowd) participants() {
	lost := [...]uint64{c.lost(protocol.RoleProducer), c.lost(protocol.RoleConsumer)} // before those who come are counted
	var came [len(lost)]uint64
	for slot := range c.members {
		c.participant(uint8(slot))
		status := c.status(uint8(slot))
		came[0] += status.Producers()
		came[1] += status.Takes() - min(status.Takes(), status.Producers())
	}
	for i, role := range [...]string{"producers", "consumers"} {
		if lost[i] > came[i]+1 {
			c.broken(c.ring, c.r.Control+protocol.OffMPMCDisplaced+8*uint64(i), "word of displaced %s is %d, want at most %d: only %d have come", role, lost[i], came[i]+1, came[i])
		}
	}
}

// lost is the word that tells of deaths in a role of which no entry tells any more.
func (c *crowd) lost(role protocol.Role) uint64 {
	return c.at(c.r.Control + protocol.DisplacedOffset(role))
}

func (c *crowd) participant(slot uint8) {
	at := c.entryAt(slot)
	entry := c.r.FirstParticipant + uint32(slot)
	status := c.status(slot)
	role := protocol.Role(c.half(at + protocol.OffRole))
	pid := c.half(at + protocol.OffPID)
	switch state := status.State(); {
	case state > protocol.EntryDied:
		c.broken(c.ring, at+protocol.OffStatus, "status of participant %d is %d, want 0 (never), 1 (active), 2 (closed) or 3 (died)", entry, state)
	case state == protocol.EntryNever && status.Epoch() != 0:
		c.broken(c.ring, at+protocol.OffStatus, "status of participant %d is 0 (never), but its epoch is %d, want 0", entry, status.Epoch())
	case state == protocol.EntryNever:
	case status.Takes() == 0:
		c.broken(c.ring, at+protocol.OffStatus, "status of participant %d is %d, but it was taken 0 times", entry, state)
	case status.Producers() > status.Takes():
		c.broken(c.ring, at+protocol.OffStatus, "participant %d was taken %d times, but %d times by a producer", entry, status.Takes(), status.Producers())
	case role != protocol.RoleProducer && role != protocol.RoleConsumer:
		c.broken(c.ring, at+protocol.OffRole, "role of participant %d is %d, want 1 (producer) or 2 (consumer)", entry, uint32(role))
	case state == protocol.EntryActive:
		died := c.alive(c.ring, at, entry, role, pid, fmt.Sprintf(adviseUnblock, c.name()))
		c.members[slot] = member{status: status, died: died && c.status(slot) == status}
	}
}

// owner explains what is wrong with the owner of a frame. Who owns a frame is active: who leaves gives everything away before it says
// so, and who recovers the dead mends everything first.
func (c *crowd) owner(pos int64, w protocol.Word) string {
	if !w.Owned() {
		return ""
	}
	slot := w.Owner()
	status := c.status(slot)
	if c.word(pos) != w || c.status(slot) != status {
		return "" // by the time the status was read, it was another's
	}
	if status.State() != protocol.EntryActive {
		return fmt.Sprintf("its frame is %s by participant %d, whose status is %d, want 1 (active): nobody will give it back",
			stateNames[w.State()], c.r.FirstParticipant+uint32(slot), status.State())
	}
	return ""
}

// dead reports whether the owner of a word is known to have died.
func (c *crowd) dead(w protocol.Word) bool {
	m := &c.members[w.Owner()]
	return w.Owned() && m.died && m.status == c.status(w.Owner())
}

// who is a participant for people.
func (c *crowd) who(slot uint8) (string, *Holder) {
	at := c.entryAt(slot)
	h := &Holder{
		Entry:        c.r.FirstParticipant + uint32(slot),
		Role:         protocol.Role(c.half(at + protocol.OffRole)),
		PID:          c.half(at + protocol.OffPID),
		PIDNamespace: c.at(at + protocol.OffPIDNamespace),
		StartTime:    c.at(at + protocol.OffStartTime),
	}
	role := h.Role.String()
	if h.Role == protocol.RoleNone {
		role = "participant"
	}
	return fmt.Sprintf("%s (pid %d, participant %d)", role, h.PID, h.Entry), h
}
