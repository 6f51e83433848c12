package protocol

import (
	"math/bits"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// crowdHeader is a header of an MPMC ring and an SPSC ring in which nothing is random.
func crowdHeader(t testing.TB) *Header {
	h, err := NewHeader([]RingSpec{
		{Mode: MPMC, Capacity: MinCapacity, Participants: 4, Granule: 64, WordShift: 3, Drop: true},
		{Mode: SPSC, Capacity: MinCapacity, MaxMessage: 1000},
	})
	require.NoError(t, err)
	for i := range h.UUID {
		h.UUID[i] = byte(0xb0 + i)
	}
	h.CreatedUnixNano = 0x1122334455667788
	h.Name = "crew"
	return h
}

// drawCrowdSpec draws a spec of an MPMC ring that NewHeader accepts.
func drawCrowdSpec(t *rapid.T) RingSpec {
	spec := RingSpec{Mode: MPMC, Drop: rapid.Bool().Draw(t, "drop")}
	spec.Capacity = rapid.Uint64Range(0, uint64(1)<<rapid.IntRange(0, 40).Draw(t, "bits")).Draw(t, "capacity")
	capacity, granule := max(MinCapacity, uint64(1)<<bitsFor(spec.Capacity)), uint64(DefaultGranule)
	if rapid.Bool().Draw(t, "granule given") {
		largest := min(MaxGranule, capacity/MinGranules)
		granule = MinGranule << rapid.IntRange(0, bits.Len64(largest/MinGranule)-1).Draw(t, "granule")
		spec.Granule = uint32(granule)
		spec.WordShift = rapid.Uint32Range(0, uint32(bitsFor(capacity/granule))).Draw(t, "shift")
	}
	spec.Participants = rapid.OneOf(rapid.Just(uint32(0)), rapid.Uint32Range(2, MaxMPMCParticipants)).Draw(t, "participants")
	spec.MaxMessage = rapid.Uint64Range(0, MPMCMaxPayload(capacity, granule)).Draw(t, "message")
	return spec
}

// requireSoundCrowd demands of an accepted MPMC ring what only such a ring has. Capacity and offsets have been looked at.
func requireSoundCrowd(t require.TestingT, r *Ring) {
	granule := uint64(r.Granule)
	require.GreaterOrEqual(t, granule, uint64(MinGranule))
	require.LessOrEqual(t, granule, uint64(MaxGranule))
	require.Zero(t, granule&(granule-1), "a power of two")
	granules := r.Granules()
	require.GreaterOrEqual(t, granules, uint64(MinGranules))
	require.Equal(t, r.Capacity, granules*granule)
	require.LessOrEqual(t, uint64(1)<<r.WordShift, granules, "a rotation by no more bits than an index has")
	require.GreaterOrEqual(t, r.Participants, uint32(2))
	require.LessOrEqual(t, r.Participants, uint32(MaxMPMCParticipants))

	words := WordsOffset(r.Participants)
	require.GreaterOrEqual(t, words, uint64(OffMPMCSlots)+uint64(r.Participants)*MPMCSlotSize, "counters and words do not overlap")
	require.Zero(t, words%PageSize)
	require.Equal(t, MPMCControlSize(r.Participants, granules), r.ControlSize)
	require.LessOrEqual(t, words+8*granules, r.ControlSize)
	require.Less(t, r.ControlSize, words+8*granules+PageSize, "no more than needed")

	require.LessOrEqual(t, r.MaxMessage, MPMCMaxPayload(r.Capacity, granule))
	span := (r.MaxMessage + FrameHeaderSize + granule - 1) / granule
	require.LessOrEqual(t, span, uint64(MaxSpan), "the span has 20 bits")
	require.LessOrEqual(t, 2*span, granules, "a frame and the padding before it fit at once")
}
