package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func matches(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}

func TestParse_ReturnsWhatWasEncoded(t *testing.T) {
	h := fixedHeader(t)
	mem := encode(h)
	for _, size := range []uint64{h.SegmentSize, h.SegmentSize + 1, math.MaxUint64} {
		got, err := Parse(mem, size)
		require.NoError(t, err)
		require.Equal(t, h, got)
		require.NoError(t, got.Writable())
	}
}

func TestParse_KeepsNoReferenceToTheSegment(t *testing.T) {
	mem := encode(fixedHeader(t))
	got, err := Parse(mem, math.MaxUint64)
	require.NoError(t, err)
	clear(mem)
	require.Equal(t, fixedHeader(t), got)
}

func TestParse_DoesNotLookAtTheState(t *testing.T) {
	mem := encode(fixedHeader(t))
	for i := HeaderChecked; i < HeaderSize; i++ {
		mem[i] = 0xff
	}
	_, err := Parse(mem, math.MaxUint64)
	require.NoError(t, err)
}

func TestParse_NoticesEachChangedByte(t *testing.T) {
	t.Run("two spsc rings", func(t *testing.T) { requireEachByteNoticed(t, fixedHeader(t)) })
	t.Run("an mpmc ring and an spsc ring", func(t *testing.T) { requireEachByteNoticed(t, crowdHeader(t)) })
}

func requireEachByteNoticed(t *testing.T, h *Header) {
	clean := encode(h)
	for i := range clean {
		if i >= HeaderChecked && i < HeaderSize {
			continue // the state, and nothing
		}
		for _, change := range []byte{0x01, 0x80, 0xff} {
			mem := append([]byte(nil), clean...)
			mem[i] ^= change
			_, err := Parse(mem, h.SegmentSize)
			requireRefused(t, err, "byte %#x ^ %#x", i, change)
			if i < len(Magic) {
				require.ErrorIs(t, err, ErrNotSegment)
			}
		}
	}
}

func TestParse_RejectsATruncatedSegment(t *testing.T) {
	h := fixedHeader(t)
	mem := encode(h)
	for n := range mem {
		if n%64 != 0 && n < HeaderSize-1 {
			continue
		}
		_, err := Parse(mem[:n], h.SegmentSize)
		require.ErrorIs(t, err, ErrCorrupt, "%d bytes", n)
		requireRefused(t, err, "%d bytes", n)
	}
	for _, size := range []uint64{0, HeaderSize, h.SegmentSize - 1} {
		_, err := Parse(mem, size)
		require.ErrorIs(t, err, ErrCorrupt, "size %d", size)
		require.ErrorContains(t, err, "truncated")
		requireRefused(t, err, "size %d", size)
	}
}

// edit changes one field of a header that is sound otherwise, and signs it.
type edit struct {
	name  string
	at    int
	width int
	value uint64
	want  error
	text  string
}

func (e edit) apply(mem []byte) {
	switch e.width {
	case 2:
		le.PutUint16(mem[e.at:], uint16(e.value))
	case 4:
		le.PutUint32(mem[e.at:], uint32(e.value))
	case 8:
		le.PutUint64(mem[e.at:], e.value)
	default:
		panic(fmt.Sprintf("no width of %d", e.width))
	}
	sign(mem)
}

func requireEdits(t *testing.T, edits []edit) { requireEditsOf(t, fixedHeader, edits) }

func requireEditsOf(t *testing.T, header func(testing.TB) *Header, edits []edit) {
	for _, e := range edits {
		t.Run(e.name, func(t *testing.T) {
			h := header(t)
			mem := encode(h)
			e.apply(mem)
			got, err := Parse(mem, h.SegmentSize)
			if e.want == nil {
				require.NoError(t, err)
				requireSound(t, got, h.SegmentSize)
				return
			}
			require.ErrorIs(t, err, e.want)
			require.ErrorContains(t, err, e.text)
			requireRefused(t, err)
			if e.want == ErrCorrupt {
				var c *CorruptError
				require.ErrorAs(t, err, &c)
				require.NotEmpty(t, c.Field)
				require.NotEmpty(t, c.Want)
			}
		})
	}
}

func TestParse_TellsOtherVersionsFromDamage(t *testing.T) {
	requireEdits(t, []edit{
		{"newer major version", OffVersionMajor, 2, VersionMajor + 1, ErrVersion, "header version is 0x2, this build reads 0x1"},
		{"older major version", OffVersionMajor, 2, VersionMajor - 1, ErrVersion, "header version is 0x0"},
		{"newer minor version", OffVersionMinor, 2, VersionMinor + 7, nil, ""},
		{"swapped byte order", OffByteOrder, 4, 0x04030201, ErrVersion, "big-endian"},
		{"absurd byte order", OffByteOrder, 4, 0x01030204, ErrCorrupt, "byte order mark"},
		{"unknown incompatible bit", OffIncompatible, 8, 1 << 17, ErrVersion, "0x20000"},
		{"all incompatible bits", OffIncompatible, 8, math.MaxUint64, ErrVersion, "0xffffffffffffffff"},
		{"unknown compatible bits", OffCompatible, 8, math.MaxUint64, nil, ""},
		{"unknown read-only-compatible bits", OffReadOnlyCompatible, 8, math.MaxUint64, nil, ""},
		{"ring of a mode not known here", ringAt(1, OffRingMode), 4, uint64(MPMC) + 1, ErrVersion, "ring 1 has mode 3 (unknown), this build knows spsc and mpmc"},
		{"ring of no mode", ringAt(0, OffRingMode), 4, 0, ErrVersion, "ring 0 has mode 0 (unknown)"},
		{"ring that drops what a dead consumer had in hand", ringAt(0, OffRingFlags), 4, uint64(RingFlagDrop), nil, ""},
		{"ring with a flag not known here", ringAt(1, OffRingFlags), 4, 1 << 31, ErrVersion, "ring 1 has flags 0x80000000, this build knows 0x1"},
		{"ring with all flags", ringAt(0, OffRingFlags), 4, math.MaxUint32, ErrVersion, "ring 0 has flags 0xffffffff"},
	})
}

func TestParse_ReadsAWholeSegmentOfABigEndianHostAsAnotherVersion(t *testing.T) {
	mem := encode(fixedHeader(t))
	binary.BigEndian.PutUint32(mem[OffByteOrder:], ByteOrderMark)
	binary.BigEndian.PutUint16(mem[OffVersionMajor:], VersionMajor)
	_, err := Parse(mem, math.MaxUint64)
	require.ErrorIs(t, err, ErrVersion)
}

func TestWritable_RefusesAnUnknownReadOnlyCompatibleBit(t *testing.T) {
	h := fixedHeader(t)
	require.NoError(t, h.Writable())
	h.ReadOnlyCompatible = 1 << 9
	got, err := Parse(encode(h), h.SegmentSize)
	require.NoError(t, err)
	require.ErrorIs(t, got.Writable(), ErrReadOnly)
	require.ErrorContains(t, got.Writable(), "0x200")
}

func TestParse_RejectsAbsurdGeometryThoughItIsSigned(t *testing.T) {
	h := fixedHeader(t)
	const huge = math.MaxUint64 &^ (PageSize - 1) // page-aligned, and wraps with any size added
	requireEdits(t, []edit{
		{"no rings", OffRingCount, 4, 0, ErrCorrupt, "ring count"},
		{"more rings than allowed", OffRingCount, 4, MaxRings + 1, ErrCorrupt, "ring count"},
		{"more rings than there is table", OffRingCount, 4, 3, ErrCorrupt, "segment size"},
		{"most rings possible", OffRingCount, 4, math.MaxUint32, ErrCorrupt, "ring count"},
		{"header size", OffHeaderSize, 4, 2048, ErrCorrupt, "header size"},
		{"ring table elsewhere", OffRingTable, 4, 8192, ErrCorrupt, "ring table offset"},
		{"ring entries of another size", OffRingEntrySize, 4, 64, ErrCorrupt, "ring entry size"},
		{"participant entries of another size", OffParticipantSize, 4, 0, ErrCorrupt, "participant entry size"},
		{"unknown flag", OffFlags, 4, 1 << 31, ErrCorrupt, "flags"},
		{"name too long", OffNameLength, 4, MaxName + 1, ErrCorrupt, "name length"},
		{"longest name possible", OffNameLength, 4, math.MaxUint32, ErrCorrupt, "name length"},

		{"segment of no size", OffSegmentSize, 8, 0, ErrCorrupt, "ring control offset"},
		{"segment smaller than a control block", OffSegmentSize, 8, ControlSize - 1, ErrCorrupt, "ring control offset"},
		{"segment ends in the last ring", OffSegmentSize, 8, h.SegmentSize - PageSize, ErrCorrupt, "ring data offset"},
		{"segment larger than its file", OffSegmentSize, 8, h.SegmentSize + 1, ErrCorrupt, "segment size"},
		{"largest segment possible", OffSegmentSize, 8, math.MaxUint64, ErrCorrupt, "segment size"},

		{"no participants", OffParticipantCount, 4, 0, ErrCorrupt, "ring first participant"},
		{"too few participants", OffParticipantCount, 4, 3, ErrCorrupt, "ring first participant"},
		{"too many participants", OffParticipantCount, 4, MaxParticipants + 1, ErrCorrupt, "participant count"},
		{"participants run into the first ring", OffParticipantCount, 4, 100, ErrCorrupt, "ring control offset"},
		{"participants over the header", OffParticipantTable, 4, 0, ErrCorrupt, "participant table offset"},
		{"participants over the ring table", OffParticipantTable, 4, HeaderSize + RingEntrySize, ErrCorrupt, "participant table offset"},
		{"participants not aligned", OffParticipantTable, 4, 0x1108, ErrCorrupt, "participant table offset"},
		{"participants beyond the end", OffParticipantTable, 4, math.MaxUint32 &^ (Line - 1), ErrCorrupt, "ring control offset"},

		{"control over the header", ringAt(0, OffRingControl), 8, 0, ErrCorrupt, "ring control offset"},
		{"control over the tables", ringAt(0, OffRingControl), 8, HeaderSize, ErrCorrupt, "ring control offset"},
		{"control not aligned", ringAt(0, OffRingControl), 8, 0x2008, ErrCorrupt, "ring control offset"},
		{"control beyond the end", ringAt(0, OffRingControl), 8, h.SegmentSize, ErrCorrupt, "ring control offset"},
		{"control near 2^64", ringAt(0, OffRingControl), 8, huge, ErrCorrupt, "ring control offset"},
		{"control over the ring before", ringAt(1, OffRingControl), 8, 0x3000, ErrCorrupt, "ring control offset"},
		{"rings in another order", ringAt(0, OffRingControl), 8, 0x5000, ErrCorrupt, "ring data offset"},
		{"control of another size", ringAt(0, OffRingControlSize), 8, ControlSize + PageSize, ErrCorrupt, "ring control size"},
		{"control of size near 2^64", ringAt(0, OffRingControlSize), 8, huge, ErrCorrupt, "ring control size"},

		{"data over the header", ringAt(0, OffRingData), 8, 0, ErrCorrupt, "ring data offset"},
		{"data over the control", ringAt(0, OffRingData), 8, 0x2000, ErrCorrupt, "ring data offset"},
		{"data not aligned", ringAt(0, OffRingData), 8, 0x3010, ErrCorrupt, "ring data offset"},
		{"data over the ring behind", ringAt(0, OffRingData), 8, 0x4000, ErrCorrupt, "ring control offset"},
		{"data beyond the end", ringAt(1, OffRingData), 8, h.SegmentSize - PageSize, ErrCorrupt, "ring data offset"},
		{"data near 2^64", ringAt(1, OffRingData), 8, huge, ErrCorrupt, "ring data offset"},

		{"capacity of zero", ringAt(0, OffRingCapacity), 8, 0, ErrCorrupt, "ring capacity"},
		{"capacity below the least", ringAt(0, OffRingCapacity), 8, MinCapacity / 2, ErrCorrupt, "ring capacity"},
		{"capacity no power of two", ringAt(1, OffRingCapacity), 8, 3 * MinCapacity, ErrCorrupt, "ring capacity"},
		{"capacity above the most", ringAt(1, OffRingCapacity), 8, 2 * MaxCapacity, ErrCorrupt, "ring capacity"},
		{"capacity of 2^63", ringAt(1, OffRingCapacity), 8, 1 << 63, ErrCorrupt, "ring capacity"},
		{"capacity beyond the end", ringAt(1, OffRingCapacity), 8, MaxCapacity, ErrCorrupt, "ring data offset"},
		{"capacity into the ring behind", ringAt(0, OffRingCapacity), 8, 2 * MinCapacity, ErrCorrupt, "ring control offset"},

		{"messages of no size", ringAt(0, OffRingMaxMessage), 8, 0, ErrCorrupt, "ring message limit"},
		{"messages larger than fit", ringAt(0, OffRingMaxMessage), 8, MinCapacity/2 - FrameHeaderSize + 1, ErrCorrupt, "ring message limit"},
		{"messages of 2^64-1", ringAt(0, OffRingMaxMessage), 8, math.MaxUint64, ErrCorrupt, "ring message limit"},

		{"ring of no participants", ringAt(0, OffRingParticipants), 4, 0, ErrCorrupt, "ring participants"},
		{"ring of three participants", ringAt(1, OffRingParticipants), 4, 3, ErrCorrupt, "ring participants"},
		{"participants of the ring before", ringAt(1, OffRingFirstParticipant), 4, 0, ErrCorrupt, "ring first participant"},
		{"participants that wrap", ringAt(1, OffRingFirstParticipant), 4, math.MaxUint32, ErrCorrupt, "ring first participant"},
	})
}

func TestParse_AcceptsRoomBetweenTheParts(t *testing.T) {
	requireEdits(t, []edit{
		{"more participants than the rings need", OffParticipantCount, 4, 10, nil, ""},
		{"a reserved byte of a later minor version", OffReserved, 8, 1, nil, ""},
		{"a smaller ring", ringAt(1, OffRingCapacity), 8, MinCapacity, nil, ""},
		{"a control block further back", ringAt(0, OffRingMaxMessage), 8, 1, nil, ""},
	})
}

func TestCorruptError_SaysFieldOffsetGotAndWant(t *testing.T) {
	err := error(&CorruptError{Field: "tail", Offset: 0x80, Got: 17, Want: "a multiple of 8"})
	require.EqualError(t, err, "corrupt segment: tail at 0x80 is 17 (0x11), want a multiple of 8")
	require.ErrorIs(t, err, ErrCorrupt)
}
