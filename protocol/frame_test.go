package protocol

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// taken is how many bytes of a ring a frame takes that starts at offset: with the padding before it, if it would wrap.
func taken(capacity, offset, payload uint64) (padding, total uint64) {
	size := FrameSize(payload)
	if rest := capacity - offset; size > rest {
		return rest, rest + size
	}
	return 0, size
}

func TestMaxPayload_FitsAnEmptyRingAtEachOffset(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := uint64(1) << rapid.IntRange(12, 40).Draw(t, "bits")
		require.GreaterOrEqual(t, capacity, uint64(MinCapacity))
		offset := rapid.Uint64Range(0, capacity/FrameAlign-1).Draw(t, "offset") * FrameAlign
		limit := MaxPayload(capacity)
		payload := rapid.OneOf(rapid.Just(limit), rapid.Uint64Range(0, limit)).Draw(t, "payload")

		require.LessOrEqual(t, payload, uint64(math.MaxUint32), "the length has 32 bits")
		padding, total := taken(capacity, offset, payload)
		require.LessOrEqual(t, total, capacity)
		if padding != 0 {
			require.GreaterOrEqual(t, padding, uint64(FrameHeaderSize), "room for the padding's header")
			require.Zero(t, padding%FrameAlign)
			require.LessOrEqual(t, padding-FrameHeaderSize, uint64(math.MaxUint32), "the padding's length has 32 bits")
			word := FrameHeader(uint32(padding-FrameHeaderSize), 0, FramePadding)
			require.NoError(t, CheckFrame(word, offset, padding, limit))
			require.Equal(t, padding, FrameSize(FrameLength(word)))
		}
		require.NoError(t, CheckFrame(FrameHeader(uint32(payload), 0, 0), offset, capacity, limit))
	})
}

func TestMaxPayload_IsTheMostThatAlwaysFits(t *testing.T) {
	const capacity = MinCapacity
	limit := MaxPayload(capacity)
	tooLarge := false
	for offset := uint64(0); offset < capacity; offset += FrameAlign {
		for payload := range limit + 1 {
			_, total := taken(capacity, offset, payload)
			if total > capacity {
				t.Fatalf("%d bytes at offset %d take %d of %d", payload, offset, total, capacity)
			}
		}
		_, total := taken(capacity, offset, limit+1)
		tooLarge = tooLarge || total > capacity
	}
	require.True(t, tooLarge, "one byte more would fit too")
}

func TestFrameSize_IsAlignedAndHoldsTheFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, math.MaxUint32).Draw(t, "n")
		size := FrameSize(n)
		require.Zero(t, size%FrameAlign)
		require.GreaterOrEqual(t, size, n+FrameHeaderSize)
		require.Less(t, size, n+FrameHeaderSize+FrameAlign)
	})
}

func TestFrameHeader_UnpacksToWhatWasPacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint32().Draw(t, "n")
		typ := rapid.Uint16().Draw(t, "type")
		flags := rapid.Byte().Draw(t, "flags")
		word := FrameHeader(n, typ, flags)
		require.EqualValues(t, n, FrameLength(word))
		require.Equal(t, typ, FrameType(word))
		require.Equal(t, flags == 0, IsData(word))
		require.Equal(t, flags == FramePadding, IsPadding(word))
	})
}

func TestCheckFrame_NamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name             string
		word, limit, max uint64
		text             string
	}{
		{"nothing", FrameHeader(100, 9, 0), 112, 100, ""},
		{"empty message", FrameHeader(0, 0, 0), 8, 1, ""},
		{"padding longer than a message may be", FrameHeader(504, 0, FramePadding), 512, 100, ""},
		{"memory nobody wrote", 0, 512, 100, "frame version at 0x40 is 0 (0x0), want 1"},
		{"later version", FrameHeader(8, 0, 0) + 1<<56, 512, 100, "frame version at 0x40 is 2 (0x2), want 1"},
		{"unknown flag", FrameHeader(8, 0, 0x82), 512, 100, "frame flags at 0x40 is 130 (0x82), want 0 or 1 (padding)"},
		{"message too long", FrameHeader(101, 0, 0), 512, 100, "frame length at 0x40 is 101 (0x65), want 0 to 100"},
		{"past the tail", FrameHeader(25, 0, 0), 32, 100, "frame length at 0x40 is 25 (0x19), want 0 to 24"},
		{"padding past the end", FrameHeader(25, 0, FramePadding), 32, 100, "frame length at 0x40 is 25 (0x19), want 0 to 24"},
		{"longest", FrameHeader(math.MaxUint32, 0, 0), 512, 100, "frame length at 0x40 is 4294967295"},
		{"no room for a header", FrameHeader(0, 0, 0), 0, 100, "room for a frame at 0x40 is 0 (0x0), want at least 8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := CheckFrame(c.word, 0x40, c.limit, c.max)
			if c.text == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ErrCorrupt)
			require.ErrorContains(t, err, c.text)
		})
	}
}

func TestCheckFrame_KeepsAPositionOf63Bits(t *testing.T) {
	const pos = 1<<62 + 8
	for _, word := range []uint64{0, FrameHeader(0, 0, 2), FrameHeader(100, 0, 0), FrameHeader(9, 0, 0)} {
		var c *CorruptError
		require.ErrorAs(t, CheckFrame(word, pos, 64, 8), &c)
		require.Equal(t, uint64(pos), c.Offset)
	}
}
