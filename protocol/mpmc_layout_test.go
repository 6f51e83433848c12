package protocol

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMPMCControlBlock_KeepsWhatIsContendedApart(t *testing.T) {
	groups := [][]uint64{
		{OffMPMCTail},
		{OffMPMCHead},
		{OffMPMCOrphans, OffMPMCMembers, DisplacedOffset(RoleProducer), DisplacedOffset(RoleConsumer)},
		{OffDataGate},
		{OffSpaceGate},
		{OffMPMCRecovery, OffMPMCRecovery + 8*RecoveryLongest},
		{OffPoison},
	}
	owner := map[uint64]int{}
	for i, group := range groups {
		for _, off := range group {
			require.Zero(t, off%8, "64-bit atomic words are aligned")
			line := off / Line
			if before, taken := owner[line]; taken {
				require.Equal(t, before, i, "offset %#x shares a line", off)
			}
			owner[line] = i
			require.Less(t, off, uint64(OffMPMCSlots))
		}
	}
	require.Equal(t, MPMCSlotSize, Line, "each participant counts on a line of its own")
	require.LessOrEqual(t, 8*slotCounters, MPMCSlotSize)
	require.EqualValues(t, SlotRedelivered+1, slotCounters)
}

func TestSlotCounters_DoNotOverlap(t *testing.T) {
	seen := map[int]bool{}
	for _, i := range []int{
		SlotSent, SlotSentBytes, SlotReceived, SlotReceivedBytes, SlotAborts, SlotRedelivered,
		SlotProducer + CounterWaits, SlotProducer + CounterParks, SlotProducer + CounterWakes,
		SlotConsumer + CounterWaits, SlotConsumer + CounterParks, SlotConsumer + CounterWakes,
	} {
		require.False(t, seen[i], "counter %d", i)
		seen[i] = true
		require.Less(t, i, slotCounters)
	}
	require.Len(t, seen, slotCounters)
}

func TestWordsOffset_LiesBehindTheCountersOnAPage(t *testing.T) {
	for _, c := range []struct {
		participants uint32
		want         uint64
	}{{2, 0x2000}, {32, 0x2000}, {33, 0x3000}, {64, 0x3000}, {65, 0x4000}, {MaxMPMCParticipants, 0x9000}} {
		require.Equal(t, c.want, WordsOffset(c.participants), "%d participants", c.participants)
	}
}

func TestMPMCControlSize_HasRoomForEachWord(t *testing.T) {
	require.EqualValues(t, 0x3000, MPMCControlSize(4, 64), "a page of words at least")
	require.EqualValues(t, 0x3000, MPMCControlSize(4, 512))
	require.EqualValues(t, 0x4000, MPMCControlSize(4, 1024))
	rapid.Check(t, func(t *rapid.T) {
		participants := rapid.Uint32Range(2, MaxMPMCParticipants).Draw(t, "participants")
		granules := uint64(1) << rapid.IntRange(4, 34).Draw(t, "bits")
		size := MPMCControlSize(participants, granules)
		require.Zero(t, size%PageSize)
		require.GreaterOrEqual(t, size, WordsOffset(participants)+8*granules)
		require.Less(t, size, WordsOffset(participants)+8*granules+PageSize)
	})
}

func TestWordIndex_GivesEachGranuleAWordOfItsOwn(t *testing.T) {
	for bits := 4; bits <= 12; bits++ {
		granules := uint64(1) << bits
		for shift := uint32(0); shift <= uint32(bits); shift++ {
			r := Ring{Mode: MPMC, Capacity: granules * 64, Granule: 64, WordShift: shift}
			seen := make([]bool, granules)
			for i := range granules {
				w := r.WordIndex(i)
				require.Less(t, w, granules)
				require.False(t, seen[w], "%d bits, shift %d, index %d", bits, shift, i)
				seen[w] = true
			}
		}
	}
	r := Ring{Mode: MPMC, Capacity: 4096, Granule: 64}
	require.EqualValues(t, 5, r.WordIndex(5), "without a shift, where it is")
	r.WordShift = 6
	require.EqualValues(t, 5, r.WordIndex(5), "all the way round")
	r.WordShift = 3
	require.EqualValues(t, 40, r.WordIndex(5), "0b000101 becomes 0b101000")
	require.EqualValues(t, 0b010110, r.WordIndex(0b110010), "what goes out on the left comes in on the right")
}

func TestMPMCMaxPayload_FitsAnEmptyRingAtEachGranule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		granule := uint64(MinGranule) << rapid.IntRange(0, 6).Draw(t, "granule")
		granules := uint64(MinGranules) << rapid.IntRange(0, 24).Draw(t, "granules")
		limit := MPMCMaxPayload(granules*granule, granule)
		payload := rapid.OneOf(rapid.Just(limit), rapid.Uint64Range(0, limit)).Draw(t, "payload")
		index := rapid.Uint64Range(0, granules-1).Draw(t, "index")

		span := (payload + FrameHeaderSize + granule - 1) / granule
		require.LessOrEqual(t, span, uint64(MaxSpan), "the span has 20 bits")
		total := span
		if rest := granules - index; span > rest {
			total += rest
		}
		require.LessOrEqual(t, total, granules)
		require.NoError(t, CheckMPMCFrame(FrameHeader(uint32(payload), 0, 0), index, span*granule, limit, true))
		require.Equal(t, payload, uint64(uint32(payload)), "the length has 32 bits")
	})
}
