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
	Drop       bool   // what a consumer had in hand when it died is dropped, not delivered again

	// MPMC only; 0 means the default.
	Participants uint32 // how many may take part
	Granule      uint32 // bytes, a power of two
	WordShift    uint32 // see Ring; placed by default unless Granule is given
}

// Defaults of an MPMC ring's layout; docs/adr/0012-granules-and-words.md has the measurements.
const (
	DefaultGranule   = 128
	DefaultWordShift = 0
)

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
	if h.ParticipantCount > MaxParticipants {
		return nil, fmt.Errorf("%d participants in %d rings, want at most %d", h.ParticipantCount, len(specs), MaxParticipants)
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
	if s.Mode != SPSC && s.Mode != MPMC {
		return Ring{}, fmt.Errorf("mode is %d (%v), want spsc or mpmc", uint32(s.Mode), s.Mode)
	}
	if s.Capacity > MaxCapacity {
		return Ring{}, fmt.Errorf("capacity is %d bytes, want at most %d", s.Capacity, uint64(MaxCapacity))
	}
	capacity := roundUpPowerOfTwo(max(s.Capacity, MinCapacity))
	r := Ring{Mode: s.Mode, ControlSize: ControlSize, Capacity: capacity, Participants: SPSCParticipants}
	if s.Drop {
		r.Flags |= RingFlagDrop
	}
	if s.Mode == MPMC {
		if err := r.shapeMPMC(s); err != nil {
			return Ring{}, err
		}
	}
	limit := r.maxPayload()
	if s.MaxMessage > limit {
		return Ring{}, fmt.Errorf("largest message is %d bytes, a ring of %d bytes carries at most %d", s.MaxMessage, capacity, limit)
	}
	if r.MaxMessage = s.MaxMessage; r.MaxMessage == 0 {
		r.MaxMessage = limit
	}
	return r, nil
}

// shapeMPMC sets what only an MPMC ring has.
func (r *Ring) shapeMPMC(s RingSpec) error {
	if r.Participants = s.Participants; r.Participants == 0 {
		r.Participants = DefaultMPMCParticipants
	}
	if r.Participants < 2 || r.Participants > MaxMPMCParticipants {
		return fmt.Errorf("participants are %d, want 2 to %d", r.Participants, MaxMPMCParticipants)
	}
	if r.Granule, r.WordShift = s.Granule, s.WordShift; r.Granule == 0 {
		r.Granule, r.WordShift = DefaultGranule, DefaultWordShift
	}
	if g := uint64(r.Granule); g < MinGranule || g > MaxGranule || bits.OnesCount64(g) != 1 || r.Capacity/g < MinGranules {
		return fmt.Errorf("granule is %d bytes, want a power of two from %d to %d, and %d of them in the capacity of %d", g, MinGranule, MaxGranule, MinGranules, r.Capacity)
	}
	if r.WordShift > maxWordShift(r.Granules()) {
		return fmt.Errorf("word shift is %d, want at most %d", r.WordShift, maxWordShift(r.Granules()))
	}
	r.ControlSize = MPMCControlSize(r.Participants, r.Granules())
	return nil
}

// maxWordShift is the number of bits of an index: to rotate by more would be the same as to rotate by less.
func maxWordShift(granules uint64) uint32 { return uint32(bits.Len64(granules) - 1) }

func (r *Ring) maxPayload() uint64 {
	if r.Mode == MPMC {
		return MPMCMaxPayload(r.Capacity, uint64(r.Granule))
	}
	return MaxPayload(r.Capacity)
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
		case r.Mode != SPSC && r.Mode != MPMC:
			return fmt.Errorf("%w: ring %d has mode %d (%v), this build knows spsc and mpmc; open it with a newer release", ErrVersion, i, uint32(r.Mode), r.Mode)
		case r.Flags&^knownRingFlags != 0:
			return fmt.Errorf("%w: ring %d has flags %#x, this build knows %#x; open it with a newer release", ErrVersion, i, r.Flags, knownRingFlags)
		case r.Capacity < MinCapacity || r.Capacity > MaxCapacity || bits.OnesCount64(r.Capacity) != 1:
			return &CorruptError{Field: "ring capacity", Offset: uint64(at + OffRingCapacity), Got: r.Capacity, Want: "a power of two from 4096 to 2^40"}
		}
		if err := r.validateShape(at); err != nil {
			return err
		}
		switch {
		case r.Control%PageSize != 0 || r.Control < free || r.Control > h.SegmentSize-min(h.SegmentSize, r.ControlSize):
			return corruptRange("ring control offset", at+OffRingControl, r.Control, free, h.SegmentSize)
		case r.Data%PageSize != 0 || r.Data < r.Control+r.ControlSize || r.Data > h.SegmentSize-min(h.SegmentSize, r.Capacity):
			return corruptRange("ring data offset", at+OffRingData, r.Data, r.Control+r.ControlSize, h.SegmentSize)
		case r.MaxMessage == 0 || r.MaxMessage > r.maxPayload():
			return corruptRange("ring message limit", at+OffRingMaxMessage, r.MaxMessage, 1, r.maxPayload())
		case r.FirstParticipant != slots || r.Participants > h.ParticipantCount-slots:
			return corruptRange("ring first participant", at+OffRingFirstParticipant, uint64(r.FirstParticipant), uint64(slots), uint64(h.ParticipantCount))
		}
		slots += r.Participants
		free = r.Data + r.Capacity
	}
	return nil
}

// validateShape checks what depends on the mode. The capacity has been checked.
func (r *Ring) validateShape(at int) error {
	if r.Mode == SPSC {
		if r.ControlSize != ControlSize {
			return corrupt("ring control size", at+OffRingControlSize, r.ControlSize, ControlSize)
		}
		if r.Participants != SPSCParticipants {
			return corrupt("ring participants", at+OffRingParticipants, uint64(r.Participants), SPSCParticipants)
		}
		return nil
	}
	granule := uint64(r.Granule)
	switch {
	case granule < MinGranule || granule > MaxGranule || bits.OnesCount64(granule) != 1 || r.Capacity/granule < MinGranules:
		return &CorruptError{Field: "ring granule", Offset: uint64(at + OffRingGranule), Got: granule, Want: "a power of two from 64 to 4096, and 16 of them in the capacity"}
	case r.WordShift > maxWordShift(r.Granules()):
		return corruptRange("ring word shift", at+OffRingWordShift, uint64(r.WordShift), 0, uint64(maxWordShift(r.Granules())))
	case r.Participants < 2 || r.Participants > MaxMPMCParticipants:
		return corruptRange("ring participants", at+OffRingParticipants, uint64(r.Participants), 2, MaxMPMCParticipants)
	case r.ControlSize != MPMCControlSize(r.Participants, r.Granules()):
		return corrupt("ring control size", at+OffRingControlSize, r.ControlSize, MPMCControlSize(r.Participants, r.Granules()))
	}
	return nil
}

// ParticipantOffset is the offset in the segment of a participant's entry.
func (h *Header) ParticipantOffset(i uint32) uint64 {
	return uint64(h.ParticipantTable) + uint64(i)*ParticipantEntrySize
}

func pageAlign(n uint64) uint64 { return (n + PageSize - 1) &^ (PageSize - 1) }

func roundUpPowerOfTwo(n uint64) uint64 { return 1 << bits.Len64(n-1) }
