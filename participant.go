package shmpipe

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"shmpipe/internal/whoami"
	"shmpipe/protocol"
)

// Participant is an entry of the participant table, as it was when [Pipe.Info] looked. Everything but State is what the participant
// wrote about itself: for people, not for decisions.
type Participant struct {
	Ring     int
	Role     string // "producer" or "consumer"
	State    string // "never", "alive", "closed" or "died"
	Stopped  bool   // alive, but stopped by a signal or a debugger; known only within one pid namespace
	PID      int    // in the participant's own pid namespace
	Command  string
	Attached time.Time
	Epoch    uint64 // how often the role was taken
}

func (p Participant) String() string {
	switch p.State {
	case "never":
		return fmt.Sprintf("%s of ring %d: nobody yet", p.Role, p.Ring)
	default:
		state := p.State
		if p.Stopped {
			state += ", stopped"
		}
		return fmt.Sprintf("%s of ring %d: %s, pid %d (%s), attached %s", p.Role, p.Ring, state, p.PID, p.Command, p.Attached.Format(time.RFC3339))
	}
}

// statusWord is the atomic status of a participant's entry.
func statusWord(p *Pipe, entry uint32) *atomic.Uint64 {
	return atomicWord(p.seg.Bytes(), p.header.ParticipantOffset(entry)+protocol.OffStatus)
}

// participant reads an entry, each word once. The pid, the time and the name may be torn if their owner is just writing them.
func (p *Pipe) participant(ringIndex int, entry uint32) Participant {
	r := p.header.Rings[ringIndex]
	at := p.header.ParticipantOffset(entry)
	mem := p.seg.Bytes()
	status := protocol.Status(atomicWord(mem, at+protocol.OffStatus).Load())
	// Role and pid share a word, as the layout has them.
	rolePID := atomicWord(mem, at+protocol.OffRole).Load()
	attached := int64(atomicWord(mem, at+protocol.OffAttached).Load())
	command := make([]byte, 0, 16)
	for i := range uint64(2) {
		w := atomicWord(mem, at+protocol.OffCommand+8*i).Load()
		for range 8 {
			command = append(command, byte(w))
			w >>= 8
		}
	}
	if i := bytes.IndexByte(command, 0); i >= 0 {
		command = command[:i]
	}
	v := Participant{
		Ring:     ringIndex,
		Role:     protocol.Role(entry - r.FirstParticipant + 1).String(),
		PID:      int(rolePID >> 32),
		Command:  strings.ToValidUTF8(printable(command), "?"),
		Attached: time.Unix(0, attached),
		Epoch:    status.Epoch(),
	}
	if r.Mode == MPMC {
		v.Role, v.Epoch = protocol.Role(uint32(rolePID)).String(), status.Takes()
	}
	held, err := p.seg.Held(entry)
	switch {
	case held && status.State() == protocol.EntryActive, err != nil && status.State() == protocol.EntryActive:
		v.State = "alive"
		if pid, here := p.pidOf(entry); here {
			v.Stopped = whoami.Stopped(pid)
		}
	case status.State() == protocol.EntryActive, status.State() == protocol.EntryDied:
		v.State = "died"
	case status.State() == protocol.EntryClosed:
		v.State = "closed"
	default:
		v.State = "never"
	}
	return v
}

// pidOf is the pid that a participant wrote into its entry, and whether it means anything in this pid namespace.
func (p *Pipe) pidOf(entry uint32) (pid int, here bool) {
	at := p.header.ParticipantOffset(entry)
	mem := p.seg.Bytes()
	pid = int(int32(atomicWord(mem, at+protocol.OffRole).Load() >> 32))
	namespace := atomicWord(mem, at+protocol.OffPIDNamespace).Load()
	return pid, pid > 0 && namespace != 0 && namespace == whoami.PIDNamespace()
}

// printable replaces what could upset a terminal: the name is whatever the other process chose.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, string(b))
}

// signEntry writes who we are into our entry, whose lease we hold.
func signEntry(p *Pipe, entry uint32, role protocol.Role) {
	at := p.header.ParticipantOffset(entry)
	mem := p.seg.Bytes()
	atomicWord(mem, at+protocol.OffRole).Store(uint64(role) | uint64(uint32(os.Getpid()))<<32)
	atomicWord(mem, at+protocol.OffPIDNamespace).Store(whoami.PIDNamespace())
	atomicWord(mem, at+protocol.OffStartTime).Store(whoami.StartTime())
	atomicWord(mem, at+protocol.OffAttached).Store(uint64(time.Now().UnixNano()))
	var name [16]byte
	copy(name[:15], whoami.Command())
	for i := range uint64(2) {
		var w uint64
		for j := range uint64(8) {
			w |= uint64(name[8*i+j]) << (8 * j)
		}
		atomicWord(mem, at+protocol.OffCommand+8*i).Store(w)
	}
}
