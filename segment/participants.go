package segment

import (
	"encoding/binary"
	"fmt"
	"strings"

	"shmpipe/protocol"
)

// entryFields is what a participant says about itself. It is shown to people and decides nothing.
type entryFields struct {
	role protocol.Role
	pid  uint32
}

func parseParticipant(b []byte) entryFields {
	return entryFields{
		role: protocol.Role(binary.LittleEndian.Uint32(b[protocol.OffRole:])),
		pid:  binary.LittleEndian.Uint32(b[protocol.OffPID:]),
	}
}

func readParticipant(mem []byte, h *protocol.Header, i uint32) entryFields {
	var b [protocol.ParticipantEntrySize]byte
	copy(b[:], mem[h.ParticipantOffset(i):])
	return parseParticipant(b[:])
}

func describe(e entryFields, i uint32) string {
	if e.pid == 0 {
		return fmt.Sprintf("participant %d", i)
	}
	return fmt.Sprintf("participant %d (%v, pid %d)", i, e.role, e.pid)
}

// describeAll names the first few holders.
func describeAll(holders []uint32, entry func(uint32) entryFields) string {
	const most = 8
	var parts []string
	for _, i := range holders[:min(len(holders), most)] {
		parts = append(parts, describe(entry(i), i))
	}
	if n := len(holders) - most; n > 0 {
		parts = append(parts, fmt.Sprintf("%d more", n))
	}
	return strings.Join(parts, ", ")
}
