package protocol

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func drawSpec(t *rapid.T) RingSpec {
	// By bits, so that small capacities are as likely as huge ones.
	capacity := rapid.Uint64Range(0, uint64(1)<<rapid.IntRange(0, 40).Draw(t, "bits")).Draw(t, "capacity")
	limit := MaxPayload(max(MinCapacity, uint64(1)<<bitsFor(capacity)))
	return RingSpec{Mode: SPSC, Capacity: capacity, MaxMessage: rapid.Uint64Range(0, limit).Draw(t, "message"), Drop: rapid.Bool().Draw(t, "drop")}
}

// bitsFor is the least b with n <= 2^b.
func bitsFor(n uint64) int {
	b := 0
	for uint64(1)<<b < n {
		b++
	}
	return b
}

func TestNewHeader_IsSoundAndSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		specs := rapid.SliceOfN(rapid.OneOf(rapid.Custom(drawSpec), rapid.Custom(drawCrowdSpec)), 1, 40).Draw(t, "specs")
		h, err := NewHeader(specs)
		require.NoError(t, err)
		requireSound(t, h, h.SegmentSize)
		require.Len(t, h.Rings, len(specs))
		for i, r := range h.Rings {
			require.Equal(t, specs[i].Mode, r.Mode)
			require.Equal(t, specs[i].Drop, r.Flags&RingFlagDrop != 0)
			require.GreaterOrEqual(t, r.Capacity, specs[i].Capacity)
			require.Less(t, r.Capacity, max(2*specs[i].Capacity, MinCapacity+1), "no more than needed")
			if specs[i].MaxMessage != 0 {
				require.Equal(t, specs[i].MaxMessage, r.MaxMessage)
			} else {
				require.Equal(t, r.maxPayload(), r.MaxMessage)
			}
		}
		h.Name = string(rapid.SliceOfN(rapid.Byte(), 0, MaxName).Draw(t, "name"))
		h.Flags = rapid.SampledFrom([]uint32{0, FlagTransient}).Draw(t, "flags")
		h.CreatedUnixNano = rapid.Int64().Draw(t, "created")
		copy(h.UUID[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "uuid"))
		h.Compatible = rapid.Uint64().Draw(t, "compatible")

		got, err := Parse(encode(h), h.SegmentSize)
		require.NoError(t, err)
		require.Equal(t, h, got)
		_, err = Parse(encode(h), h.SegmentSize-1)
		require.ErrorIs(t, err, ErrCorrupt)
	})
}

func TestNewHeader_TakesTheMostOfEverything(t *testing.T) {
	specs := make([]RingSpec, MaxRings)
	for i := range specs {
		specs[i] = RingSpec{Mode: SPSC, Capacity: MaxCapacity}
	}
	h, err := NewHeader(specs)
	require.NoError(t, err)
	requireSound(t, h, h.SegmentSize)
	got, err := Parse(encode(h), h.SegmentSize)
	require.NoError(t, err)
	require.Equal(t, h, got)
}

func TestNewHeader_NamesTheValueThatIsOutOfBounds(t *testing.T) {
	for _, c := range []struct {
		name  string
		specs []RingSpec
		text  string
	}{
		{"no rings", nil, "0 rings asked for, want 1 to 1024"},
		{"too many rings", make([]RingSpec, MaxRings+1), "1025 rings asked for"},
		{"no mode", []RingSpec{{Capacity: 4096}}, "ring 0: mode is 0"},
		{"a mode not known", []RingSpec{{Mode: SPSC}, {Mode: MPMC + 1}}, "ring 1: mode is 3 (unknown), want spsc or mpmc"},
		{"too large", []RingSpec{{Mode: SPSC, Capacity: MaxCapacity + 1}}, "capacity is 1099511627777 bytes"},
		{"largest number", []RingSpec{{Mode: SPSC, Capacity: math.MaxUint64}}, "capacity is 18446744073709551615 bytes"},
		{"message too large", []RingSpec{{Mode: SPSC, Capacity: 4096, MaxMessage: 2041}}, "largest message is 2041 bytes, a ring of 4096 bytes carries at most 2040"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewHeader(c.specs)
			require.ErrorContains(t, err, c.text)
		})
	}
}

func TestNewHeader_GivesTheLeastCapacityToWhoAsksForNone(t *testing.T) {
	h, err := NewHeader([]RingSpec{{Mode: SPSC}})
	require.NoError(t, err)
	require.EqualValues(t, MinCapacity, h.Rings[0].Capacity)
}
