package protocol

import (
	"fmt"
	"math/bits"
)

// RingSpec asks for one ring of a segment.
type RingSpec struct {
	Mode       Mode
	Capacity   uint64 // bytes of data; rounded up to a power of two, at least MinCapacity
	MaxMessage uint64 // bytes of payload; 0 means as much as the capacity allows
}

// NewHeader lays a segment out: header, ring table, participant table, then control block and data of each ring. The caller
// sets UUID, CreatedUnixNano, Flags and Name before it calls [Header.Encode]. The error names the value that is out of bounds.
func NewHeader(specs []RingSpec) (*Header, error) {
	if len(specs) == 0 || len(specs) > MaxRings {
		return nil, fmt.Errorf("%d rings asked for, want 1 to %d", len(specs), MaxRings)
	}
	h := &Header{VersionMajor: VersionMajor, VersionMinor: VersionMinor}
	for i, s := range specs {
		r, err := newRing(s)
		if err != nil {
			return nil, fmt.Errorf("ring %d: %w", i, err)
		}
		r.FirstParticipant = h.ParticipantCount
		h.ParticipantCount += r.Participants
		h.Rings = append(h.Rings, r)
	}
	h.ParticipantTable = uint32(HeaderSize + len(specs)*RingEntrySize)
	at := pageAlign(uint64(h.ParticipantTable) + uint64(h.ParticipantCount)*ParticipantEntrySize)
	for i := range h.Rings {
		r := &h.Rings[i]
		r.Control = at
		r.Data = at + r.ControlSize
		at = r.Data + r.Capacity
	}
	h.SegmentSize = at
	return h, nil
}

func newRing(s RingSpec) (Ring, error) {
	if s.Mode != SPSC {
		return Ring{}, fmt.Errorf("mode is %d (%v), this build makes only spsc", uint32(s.Mode), s.Mode)
	}
	if s.Capacity > MaxCapacity {
		return Ring{}, fmt.Errorf("capacity is %d bytes, want at most %d", s.Capacity, uint64(MaxCapacity))
	}
	capacity := roundUpPowerOfTwo(max(s.Capacity, MinCapacity))
	limit := MaxPayload(capacity)
	if s.MaxMessage > limit {
		return Ring{}, fmt.Errorf("largest message is %d bytes, a ring of %d bytes carries at most %d", s.MaxMessage, capacity, limit)
	}
	if s.MaxMessage == 0 {
		s.MaxMessage = limit
	}
	return Ring{Mode: s.Mode, ControlSize: ControlSize, Capacity: capacity, MaxMessage: s.MaxMessage, Participants: SPSCParticipants}, nil
}

// validate checks that the geometry is sound: everything in bounds, aligned, and nothing overlapping. The checksum has held
// already, so a failure means a creator that breaks the protocol, not a flipped bit.
func (h *Header) validate() error {
	if h.ParticipantCount > MaxParticipants {
		return corruptRange("participant count", OffParticipantCount, uint64(h.ParticipantCount), 0, MaxParticipants)
	}
	tables := uint64(HeaderSize + len(h.Rings)*RingEntrySize)
	if uint64(h.ParticipantTable) < tables || h.ParticipantTable%Line != 0 {
		return corrupt("participant table offset", OffParticipantTable, uint64(h.ParticipantTable), tables)
	}
	// Rings come in the order of their offsets: then "after the one before" is all that non-overlap takes.
	free := uint64(h.ParticipantTable) + uint64(h.ParticipantCount)*ParticipantEntrySize
	slots := uint32(0)
	for i := range h.Rings {
		r := &h.Rings[i]
		at := HeaderSize + i*RingEntrySize
		switch {
		case r.Mode != SPSC:
			return fmt.Errorf("%w: ring %d has mode %d (%v), this build knows spsc; open it with a newer release", ErrVersion, i, uint32(r.Mode), r.Mode)
		case r.ControlSize != ControlSize:
			return corrupt("ring control size", at+OffRingControlSize, r.ControlSize, ControlSize)
		case r.Control%PageSize != 0 || r.Control < free || r.Control > h.SegmentSize-min(h.SegmentSize, r.ControlSize):
			return corruptRange("ring control offset", at+OffRingControl, r.Control, free, h.SegmentSize)
		case r.Capacity < MinCapacity || r.Capacity > MaxCapacity || bits.OnesCount64(r.Capacity) != 1:
			return &CorruptError{Field: "ring capacity", Offset: uint64(at + OffRingCapacity), Got: r.Capacity, Want: "a power of two from 4096 to 2^40"}
		case r.Data%PageSize != 0 || r.Data < r.Control+r.ControlSize || r.Data > h.SegmentSize-min(h.SegmentSize, r.Capacity):
			return corruptRange("ring data offset", at+OffRingData, r.Data, r.Control+r.ControlSize, h.SegmentSize)
		case r.MaxMessage == 0 || r.MaxMessage > MaxPayload(r.Capacity):
			return corruptRange("ring message limit", at+OffRingMaxMessage, r.MaxMessage, 1, MaxPayload(r.Capacity))
		case r.Participants != SPSCParticipants:
			return corrupt("ring participants", at+OffRingParticipants, uint64(r.Participants), SPSCParticipants)
		case r.FirstParticipant != slots || r.Participants > h.ParticipantCount-slots:
			return corruptRange("ring first participant", at+OffRingFirstParticipant, uint64(r.FirstParticipant), uint64(slots), uint64(h.ParticipantCount))
		}
		slots += r.Participants
		free = r.Data + r.Capacity
	}
	return nil
}

// ParticipantOffset is the offset in the segment of a participant's entry.
func (h *Header) ParticipantOffset(i uint32) uint64 {
	return uint64(h.ParticipantTable) + uint64(i)*ParticipantEntrySize
}

func pageAlign(n uint64) uint64 { return (n + PageSize - 1) &^ (PageSize - 1) }

func roundUpPowerOfTwo(n uint64) uint64 { return 1 << bits.Len64(n-1) }
