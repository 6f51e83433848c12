package protocol

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse_ReturnsWhatWasEncodedOfAnMPMCRing(t *testing.T) {
	h := crowdHeader(t)
	got, err := Parse(encode(h), h.SegmentSize)
	require.NoError(t, err)
	require.Equal(t, h, got)
	require.EqualValues(t, 64, got.Rings[0].Granules())
	require.NoError(t, got.Writable())
}

func TestParse_RejectsAbsurdMPMCGeometryThoughItIsSigned(t *testing.T) {
	const huge = math.MaxUint64 &^ (PageSize - 1)
	h := crowdHeader(t)
	granule := func(name string, v uint64) edit {
		return edit{name, ringAt(0, OffRingGranule), 4, v, ErrCorrupt, "ring granule"}
	}
	participants := func(name string, v uint64) edit {
		return edit{name, ringAt(0, OffRingParticipants), 4, v, ErrCorrupt, "ring participants"}
	}
	controlSize := func(name string, v uint64) edit {
		return edit{name, ringAt(0, OffRingControlSize), 8, v, ErrCorrupt, "ring control size"}
	}
	requireEditsOf(t, crowdHeader, []edit{
		granule("no granule", 0),
		granule("granule below the least", MinGranule/2),
		granule("granule no power of two", 96),
		granule("granule above the most", 2*MaxGranule),
		granule("granule of 2^31", 1<<31),
		granule("granule of 2^32-1", math.MaxUint32),
		granule("too few granules", 512),
		{"granules for which there are not enough words", ringAt(0, OffRingGranule), 4, 128, nil, ""}, // a page of words either way

		{"most word shift", ringAt(0, OffRingWordShift), 4, 6, nil, ""},
		{"word shift by more bits than an index has", ringAt(0, OffRingWordShift), 4, 7, ErrCorrupt, "ring word shift"},
		{"word shift of 64", ringAt(0, OffRingWordShift), 4, 64, ErrCorrupt, "ring word shift"},
		{"word shift of 2^32-1", ringAt(0, OffRingWordShift), 4, math.MaxUint32, ErrCorrupt, "ring word shift"},

		participants("no participants", 0),
		participants("one participant", 1),
		participants("more participants than a word can name", MaxMPMCParticipants+1),
		participants("most participants", math.MaxUint32),
		{"more participants than the table has", ringAt(0, OffRingParticipants), 4, 7, ErrCorrupt, "ring first participant"},
		{"fewer participants, so that the next ring's are not the next ones", ringAt(0, OffRingParticipants), 4, 3, ErrCorrupt, "ring first participant"},
		{"so many participants that the words move", ringAt(0, OffRingParticipants), 4, 33, ErrCorrupt, "ring control size"},
		{"first participant not the first", ringAt(0, OffRingFirstParticipant), 4, 1, ErrCorrupt, "ring first participant"},

		controlSize("control of the size of an spsc ring", ControlSize),
		controlSize("control of no size", 0),
		controlSize("control a page too large", h.Rings[0].ControlSize+PageSize),
		controlSize("control of size near 2^64", huge),
		{"data over the words", ringAt(0, OffRingData), 8, h.Rings[0].Data - PageSize, ErrCorrupt, "ring data offset"},
		{"control beyond the end", ringAt(0, OffRingControl), 8, h.SegmentSize, ErrCorrupt, "ring control offset"},
		{"control near 2^64", ringAt(0, OffRingControl), 8, huge, ErrCorrupt, "ring control offset"},

		{"capacity that needs more words", ringAt(0, OffRingCapacity), 8, 1 << 20, ErrCorrupt, "ring control size"},
		{"largest capacity", ringAt(0, OffRingCapacity), 8, MaxCapacity, ErrCorrupt, "ring control size"},
		{"capacity into the ring behind", ringAt(0, OffRingCapacity), 8, 2 * MinCapacity, ErrCorrupt, "ring control offset"},
		{"messages larger than fit", ringAt(0, OffRingMaxMessage), 8, MinCapacity/2 - FrameHeaderSize + 1, ErrCorrupt, "ring message limit"},
		{"messages of no size", ringAt(0, OffRingMaxMessage), 8, 0, ErrCorrupt, "ring message limit"},

		{"not dropping", ringAt(0, OffRingFlags), 4, 0, nil, ""},
		{"a flag not known here", ringAt(0, OffRingFlags), 4, 3, ErrVersion, "ring 0 has flags 0x3, this build knows 0x1"},
		{"an mpmc ring that says it is spsc", ringAt(0, OffRingMode), 4, uint64(SPSC), ErrCorrupt, "ring control size"},
		{"an spsc ring that says it is mpmc", ringAt(1, OffRingMode), 4, uint64(MPMC), ErrCorrupt, "ring granule"},
	})
}

// What MPMC has more than SPSC lies in bytes that mean nothing in an SPSC ring.
func TestParse_IgnoresGranuleAndShiftOfAnSPSCRing(t *testing.T) {
	requireEdits(t, []edit{
		{"granule", ringAt(0, OffRingGranule), 4, 1, nil, ""},
		{"word shift", ringAt(1, OffRingWordShift), 4, math.MaxUint32, nil, ""},
	})
}

func TestNewHeader_NamesWhatIsOutOfBoundsInAnMPMCRing(t *testing.T) {
	for _, c := range []struct {
		name string
		spec RingSpec
		text string
	}{
		{"one participant", RingSpec{Participants: 1}, "ring 0: participants are 1, want 2 to 255"},
		{"too many participants", RingSpec{Participants: MaxMPMCParticipants + 1}, "participants are 256, want 2 to 255"},
		{"small granule", RingSpec{Granule: 32}, "granule is 32 bytes, want a power of two from 64 to 4096"},
		{"large granule", RingSpec{Capacity: 1 << 20, Granule: 8192}, "granule is 8192 bytes"},
		{"odd granule", RingSpec{Granule: 100}, "granule is 100 bytes, want a power of two"},
		{"too few granules", RingSpec{Capacity: 4096, Granule: 512}, "granule is 512 bytes, want a power of two from 64 to 4096, and 16 of them in the capacity of 4096"},
		{"word shift", RingSpec{Capacity: 4096, Granule: 64, WordShift: 7}, "word shift is 7, want at most 6"},
		{"too large", RingSpec{Capacity: MaxCapacity + 1}, "capacity is 1099511627777 bytes"},
		{"message too large", RingSpec{MaxMessage: 2041}, "largest message is 2041 bytes, a ring of 4096 bytes carries at most 2040"},
		{"message longer than the longest span", RingSpec{Capacity: 1 << 30, MaxMessage: 1 << 27, Granule: 64}, "carries at most 67108792"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.spec.Mode = MPMC
			_, err := NewHeader([]RingSpec{c.spec})
			require.ErrorContains(t, err, c.text)
		})
	}
}

func TestNewHeader_FillsInTheDefaultsOfAnMPMCRing(t *testing.T) {
	h, err := NewHeader([]RingSpec{{Mode: MPMC}, {Mode: MPMC, Granule: 128, Participants: 2}})
	require.NoError(t, err)
	r := h.Rings[0]
	require.EqualValues(t, MinCapacity, r.Capacity)
	require.EqualValues(t, DefaultMPMCParticipants, r.Participants)
	require.EqualValues(t, DefaultGranule, r.Granule)
	require.EqualValues(t, DefaultWordShift, r.WordShift)
	require.Zero(t, r.Flags)
	require.Zero(t, h.Rings[1].WordShift, "who gives the granule gives the shift")
	require.EqualValues(t, DefaultMPMCParticipants, h.Rings[1].FirstParticipant)
	require.EqualValues(t, DefaultMPMCParticipants+2, h.ParticipantCount)
}

func TestNewHeader_TakesTheLargestMPMCRing(t *testing.T) {
	h, err := NewHeader([]RingSpec{{Mode: MPMC, Capacity: MaxCapacity, Participants: MaxMPMCParticipants}, {Mode: MPMC, Capacity: MaxCapacity, Granule: MaxGranule}})
	require.NoError(t, err)
	requireSound(t, h, h.SegmentSize)
	got, err := Parse(encode(h), h.SegmentSize)
	require.NoError(t, err)
	require.Equal(t, h, got)
	require.EqualValues(t, MaxSpan*DefaultGranule-FrameHeaderSize, h.Rings[0].MaxMessage)
	require.EqualValues(t, math.MaxUint32-MaxGranule-FrameHeaderSize, h.Rings[1].MaxMessage, "a length has 32 bits")
}
