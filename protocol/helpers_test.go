package protocol

import (
	"encoding/binary"
	"math"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// le is the order of bytes of the wire contract, whatever the host's.
var le = binary.LittleEndian

// fixedHeader is a header of two rings in which nothing is random.
func fixedHeader(t testing.TB) *Header {
	h, err := NewHeader([]RingSpec{
		{Mode: SPSC, Capacity: MinCapacity},
		{Mode: SPSC, Capacity: 60_000, MaxMessage: 1000},
	})
	require.NoError(t, err)
	for i := range h.UUID {
		h.UUID[i] = byte(0xa0 + i)
	}
	h.CreatedUnixNano = 0x1122334455667788
	h.Flags = FlagTransient
	h.Name = "orders"
	return h
}

// encode returns the header page and the ring table as they stand in a segment.
func encode(h *Header) []byte {
	mem := make([]byte, HeaderSize+len(h.Rings)*RingEntrySize)
	h.Encode(mem)
	return mem
}

// sign makes the checksum right again, as far as the ring count lets it: what is left is for the checks behind it.
func sign(mem []byte) {
	end := HeaderSize + uint64(le.Uint32(mem[OffRingCount:]))*RingEntrySize
	if end <= uint64(len(mem)) {
		le.PutUint32(mem[OffChecksum:], checksum(mem[:HeaderChecked], mem[HeaderSize:end]))
	}
}

// ringAt is the offset of a field of a ring's table entry.
func ringAt(ring, field int) int { return HeaderSize + ring*RingEntrySize + field }

var gotAndWant = regexp.MustCompile(` is .*(want|this build)|not known to this build|this build knows`)

// requireRefused demands one of the errors that Parse may return, with got and want in its text.
func requireRefused(t *testing.T, err error, context ...any) {
	t.Helper()
	require.Error(t, err, context...)
	require.True(t, matches(err, ErrNotSegment, ErrVersion, ErrCorrupt), "%v: not an error of Parse: %v", context, err)
	require.Regexp(t, gotAndWant, err.Error(), context...)
	require.Less(t, len(err.Error()), 300, context...)
}

// area is a part of a segment that nothing else may touch.
type area struct {
	name        string
	start, size uint64
}

// requireSound demands of an accepted header that all it points at is in bounds, aligned, and apart.
func requireSound(t require.TestingT, h *Header, size uint64) {
	require.LessOrEqual(t, h.SegmentSize, size)
	require.NotEmpty(t, h.Rings)
	require.LessOrEqual(t, len(h.Rings), MaxRings)
	require.LessOrEqual(t, h.ParticipantCount, uint32(MaxParticipants))
	require.LessOrEqual(t, len(h.Name), MaxName)
	areas := []area{
		{"header and ring table", 0, uint64(HeaderSize + len(h.Rings)*RingEntrySize)},
		{"participant table", h.ParticipantOffset(0), uint64(h.ParticipantCount) * ParticipantEntrySize},
	}
	slots := uint64(0)
	for _, r := range h.Rings {
		require.Zero(t, r.Flags&^RingFlagDrop)
		require.GreaterOrEqual(t, r.Capacity, uint64(MinCapacity))
		require.Zero(t, r.Capacity&(r.Capacity-1), "a power of two")
		require.Zero(t, r.Control%PageSize)
		require.Zero(t, r.Data%PageSize)
		require.Positive(t, r.MaxMessage)
		if r.Mode == MPMC {
			requireSoundCrowd(t, &r)
		} else {
			require.Equal(t, SPSC, r.Mode)
			require.EqualValues(t, ControlSize, r.ControlSize)
			require.LessOrEqual(t, r.MaxMessage, MaxPayload(r.Capacity))
			require.EqualValues(t, SPSCParticipants, r.Participants)
		}
		require.GreaterOrEqual(t, uint64(r.FirstParticipant), slots, "rings share no participant")
		slots = uint64(r.FirstParticipant) + uint64(r.Participants)
		areas = append(areas, area{"control", r.Control, r.ControlSize}, area{"data", r.Data, r.Capacity})
	}
	require.LessOrEqual(t, slots, uint64(h.ParticipantCount))
	require.Zero(t, h.ParticipantTable%8, "the status is a 64-bit atomic word")

	slices.SortFunc(areas, func(a, b area) int {
		if a.start < b.start {
			return -1
		}
		return 1
	})
	free := uint64(0)
	for _, a := range areas {
		require.LessOrEqual(t, a.size, uint64(math.MaxUint64)-a.start, "%s overflows", a.name)
		require.GreaterOrEqual(t, a.start, free, "%s overlaps what is before it", a.name)
		free = a.start + a.size
		require.LessOrEqual(t, free, h.SegmentSize, "%s is out of bounds", a.name)
	}
}
