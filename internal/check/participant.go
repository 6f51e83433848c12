package check

import (
	"fmt"

	"shmpipe/protocol"
)

// participant looks at one entry of the participant table.
func (w *walk) participant(ring int, entry uint32, role protocol.Role) {
	at := w.header.ParticipantOffset(entry)
	status := protocol.Status(w.at(at + protocol.OffStatus))
	wrote := protocol.Role(w.half(at + protocol.OffRole))
	pid := w.half(at + protocol.OffPID)
	switch state := status.State(); {
	case state > protocol.EntryClosed:
		w.broken(ring, at+protocol.OffStatus, "%v's status is %d, want 0 (never), 1 (active) or 2 (closed)", role, state)
	case state == protocol.EntryNever && status.Epoch() != 0:
		w.broken(ring, at+protocol.OffStatus, "%v's status is 0 (never), but its epoch is %d, want 0", role, status.Epoch())
	case state != protocol.EntryNever && wrote != role:
		w.broken(ring, at+protocol.OffRole, "role of participant %d is %d, want %d (%v)", entry, uint32(wrote), uint32(role), role)
	case state == protocol.EntryActive:
		w.alive(ring, at, entry, role, pid, fmt.Sprintf(adviseTake, role, w.name()))
	}
}

// alive tells of an active participant that is not there any more, with advice what to do about it. It reports whether it died.
func (w *walk) alive(ring int, at uint64, entry uint32, role protocol.Role, pid uint32, advice string) (died bool) {
	if w.held == nil {
		return false
	}
	before := w.at(at + protocol.OffStatus)
	held, err := w.held(entry)
	switch {
	case err != nil:
		w.report(Problem{Ring: ring, Offset: at, Text: fmt.Sprintf("cannot tell whether %v (pid %d) is alive: %v", role, pid, err), Note: true})
	case !held && w.at(at+protocol.OffStatus) == before: // else it was just leaving, or a successor just coming
		w.report(Problem{
			Ring:   ring,
			Offset: at + protocol.OffStatus,
			Text:   fmt.Sprintf("%v (pid %d) died without closing", role, pid),
			Advice: advice,
			Note:   true,
		})
		return true
	}
	return false
}
