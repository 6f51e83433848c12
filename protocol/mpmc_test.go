package protocol

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestWord_UnpacksToWhatWasPacked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lap := rapid.Uint32().Draw(t, "lap")
		span := rapid.Uint64Range(0, MaxSpan).Draw(t, "span")
		owner := rapid.Byte().Draw(t, "owner")
		state := rapid.Uint8Range(0, 15).Draw(t, "state")
		w := NewWord(lap, span, owner, state)
		require.Equal(t, lap, w.Lap())
		require.Equal(t, span, w.Span())
		require.Equal(t, owner, w.Owner())
		require.Equal(t, state, w.State())
		require.Equal(t, state == WordClaimed || state == WordTaken || state == WordSkipping, w.Owned())

		owner, state = rapid.Byte().Draw(t, "next owner"), rapid.Uint8Range(0, 15).Draw(t, "next state")
		require.Equal(t, NewWord(lap, span, owner, state), w.With(owner, state), "the same frame")
	})
}

func TestWord_OfMemoryNobodyWroteIsFreeForLapZero(t *testing.T) {
	require.Equal(t, Word(0), FreeWord(0))
	require.EqualValues(t, WordFree, Word(0).State())
	require.Equal(t, NewWord(7, 0, 0, WordFree), FreeWord(7))
	require.Equal(t, Word(0), FreeWord(math.MaxUint32)&^(math.MaxUint32<<32), "the lap takes the upper half")
}

func TestWord_HasRoomForEveryOwnerAndSpan(t *testing.T) {
	require.LessOrEqual(t, MaxMPMCParticipants, math.MaxUint8)
	require.Less(t, WordOrphan, 1<<wordOwnerShift)
	w := NewWord(math.MaxUint32, MaxSpan, math.MaxUint8, 15)
	require.Equal(t, Word(math.MaxUint64), w, "every bit has a meaning")
}

func TestCheckWord_NamesWhatIsWrong(t *testing.T) {
	const index, granules, participants = 0x30, 64, 4
	for _, c := range []struct {
		name string
		word Word
		text string
	}{
		{"memory nobody wrote", 0, ""},
		{"free for another lap", FreeWord(math.MaxUint32), ""},
		{"claimed", NewWord(3, 1, 3, WordClaimed), ""},
		{"committed", NewWord(3, 16, 0, WordCommitted), ""},
		{"abandoned", NewWord(3, 1, 0, WordAbandoned), ""},
		{"taken", NewWord(3, 1, 0, WordTaken), ""},
		{"skipping", NewWord(3, 1, 2, WordSkipping), ""},
		{"orphan of a dead one", NewWord(3, 1, 0, WordOrphan), ""},
		{"orphan of one that left", NewWord(3, 1, 1, WordOrphan), ""},

		{"unknown state", NewWord(3, 1, 0, WordOrphan+1), "state of a granule at 0x30 is 7 (0x7), want 0 to 6"},
		{"last state", Word(math.MaxUint64), "state of a granule at 0x30 is 15"},
		{"free with a span", NewWord(3, 1, 0, WordFree), "word of a free granule at 0x30 is 12884905984 (0x300001000), want no span and no owner"},
		{"free with an owner", NewWord(3, 0, 1, WordFree), "word of a free granule"},
		{"no span", NewWord(3, 0, 0, WordCommitted), "span of a frame at 0x30 is 0 (0x0), want 1 to 16"},
		{"past the end of the data", NewWord(3, 17, 0, WordCommitted), "span of a frame at 0x30 is 17 (0x11), want 1 to 16"},
		{"longest span", NewWord(3, MaxSpan, 0, WordTaken), "span of a frame at 0x30 is 1048575"},
		{"owner of a claim that does not exist", NewWord(3, 1, 4, WordClaimed), "owner of a frame at 0x30 is 4 (0x4), want 0 to 3"},
		{"owner of a taken frame that does not exist", NewWord(3, 1, 255, WordTaken), "owner of a frame at 0x30 is 255"},
		{"committed with an owner", NewWord(3, 1, 1, WordCommitted), "owner of a frame that has none at 0x30 is 1"},
		{"abandoned with an owner", NewWord(3, 1, 2, WordAbandoned), "owner of a frame that has none at 0x30 is 2"},
		{"orphan of what is neither dead nor gone", NewWord(3, 1, 3, WordOrphan), "owner of a frame that has none at 0x30 is 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := CheckWord(c.word, index, granules, participants)
			if c.text == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ErrCorrupt)
			require.ErrorContains(t, err, c.text)
		})
	}
}

// FuzzCheckWord gives CheckWord any word at any place: what passes stays inside the ring, and is made of the parts that it says.
func FuzzCheckWord(f *testing.F) {
	f.Add(uint64(0), uint64(0), uint8(6), uint8(4))
	f.Add(uint64(NewWord(9, 3, 2, WordTaken)), uint64(60), uint8(6), uint8(255))
	f.Add(uint64(math.MaxUint64), uint64(math.MaxUint64), uint8(34), uint8(2))
	f.Fuzz(func(t *testing.T, word, index uint64, bits, participants uint8) {
		granules := uint64(1) << (4 + bits%31)
		index &= granules - 1
		w := Word(word)
		require.Equal(t, w, NewWord(w.Lap(), w.Span(), w.Owner(), w.State()))
		err := CheckWord(w, index, granules, uint32(participants))
		if err != nil {
			require.ErrorIs(t, err, ErrCorrupt)
			var c *CorruptError
			require.ErrorAs(t, err, &c)
			require.Equal(t, index, c.Offset)
			require.NotEmpty(t, c.Want)
			return
		}
		if w.State() == WordFree {
			require.Equal(t, FreeWord(w.Lap()), w)
			return
		}
		require.Positive(t, w.Span())
		require.LessOrEqual(t, index+w.Span(), granules)
		if w.Owned() {
			require.Less(t, w.Owner(), participants)
		}
	})
}

func TestMPMCStatus_UnpacksToWhatWasPacked(t *testing.T) {
	const most = 1<<28 - 1
	rapid.Check(t, func(t *rapid.T) {
		takes := rapid.Uint64Range(0, most).Draw(t, "takes")
		producers := rapid.Uint64Range(0, takes).Draw(t, "producers")
		state := rapid.Byte().Draw(t, "state")
		s := NewMPMCStatus(takes, producers, state)
		require.Equal(t, takes, s.Takes())
		require.Equal(t, producers, s.Producers())
		require.Equal(t, state, s.State())
		require.Equal(t, s, NewStatus(s.Epoch(), state), "both counts are the epoch")
		next := NewMPMCStatus(takes+1, producers, state)
		require.NotEqual(t, s, next, "a status never comes back")
	})
	require.EqualValues(t, 0, NewMPMCStatus(0, 0, EntryNever))
	require.EqualValues(t, uint64(0x0000002_0000003_01), NewMPMCStatus(3, 2, EntryActive))
	wrapped := NewMPMCStatus(most+1, most+1, EntryActive)
	require.Zero(t, wrapped.Takes(), "each count keeps to its own bits")
	require.Zero(t, wrapped.Producers())
}

func TestIsBatch_TellsABatchFromAMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flags := rapid.Byte().Draw(t, "flags")
		word := FrameHeader(rapid.Uint32().Draw(t, "n"), rapid.Uint16().Draw(t, "type"), flags)
		require.Equal(t, flags == FrameBatch, IsBatch(word))
		require.Equal(t, flags == 0, IsData(word))
	})
	require.False(t, IsBatch(0))
	require.False(t, IsBatch(FrameHeader(8, 0, FrameBatch)+1<<56), "of a later version")
}

func TestCheckMPMCFrame_NamesWhatIsWrong(t *testing.T) {
	const pos, batches, alone = 0x40, true, false
	for _, c := range []struct {
		name             string
		word, limit, max uint64
		batch            bool
		text             string
	}{
		{"a message", FrameHeader(100, 9, 0), 128, 100, batches, ""},
		{"a message that fills its granules", FrameHeader(120, 9, 0), 128, 120, batches, ""},
		{"an empty message", FrameHeader(0, 0, 0), 64, 1, batches, ""},
		{"a message of a batch", FrameHeader(100, 9, 0), 108, 100, alone, ""},
		{"a batch", FrameHeader(112, 0, FrameBatch), 128, 10, batches, ""},
		{"an empty batch", FrameHeader(0, 0, FrameBatch), 64, 10, batches, ""},

		{"memory nobody wrote", 0, 128, 100, batches, "frame version and flags at 0x40 is 0 (0x0), want 256 (a message)"},
		{"later version", FrameHeader(8, 0, 0) + 1<<56, 128, 100, batches, "frame version and flags at 0x40 is 512 (0x200)"},
		{"padding", FrameHeader(8, 0, FramePadding), 128, 100, batches, "frame version and flags at 0x40 is 257 (0x101)"},
		{"unknown flag", FrameHeader(8, 0, FrameBatch|0x80), 128, 100, batches, "frame version and flags at 0x40 is 386 (0x182)"},
		{"batch in a batch", FrameHeader(8, 0, FrameBatch), 128, 100, alone, "frame version and flags at 0x40 is 258 (0x102)"},
		{"message past its granules", FrameHeader(57, 0, 0), 64, 100, batches, "frame length at 0x40 is 57 (0x39), want 0 to 56"},
		{"message too long", FrameHeader(101, 0, 0), 128, 100, batches, "frame length at 0x40 is 101 (0x65), want 0 to 100"},
		{"longest message", FrameHeader(math.MaxUint32, 0, 0), 128, 100, batches, "frame length at 0x40 is 4294967295"},
		{"no room for a header", FrameHeader(0, 0, 0), 7, 100, alone, "frame length at 0x40 is 0 (0x0), want 0 to 0"},
		{"batch past its granules", FrameHeader(56, 0, FrameBatch), 64, 100, batches, "length of a batch at 0x40 is 56 (0x38), want 0 to 48"},
		{"batch of a length that is not aligned", FrameHeader(41, 0, FrameBatch), 64, 100, batches, "length of a batch at 0x40 is 41 (0x29)"},
		{"longest batch", FrameHeader(math.MaxUint32&^7, 0, FrameBatch), 64, 100, batches, "length of a batch at 0x40 is 4294967288"},
		{"no room for a batch", FrameHeader(0, 0, FrameBatch), 15, 100, batches, "length of a batch at 0x40 is 0 (0x0), want 0 to 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := CheckMPMCFrame(c.word, pos, c.limit, c.max, c.batch)
			if c.text == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ErrCorrupt)
			require.ErrorContains(t, err, c.text)
		})
	}
}

// FuzzCheckMPMCFrame gives CheckMPMCFrame any word: what passes fits, and is a message or, where it may be, a batch.
func FuzzCheckMPMCFrame(f *testing.F) {
	f.Add(FrameHeader(100, 1, 0), uint64(64), uint64(512), uint64(1000), true)
	f.Add(FrameHeader(96, 0, FrameBatch), uint64(64), uint64(112), uint64(100), true)
	f.Add(FrameHeader(math.MaxUint32, 0, FrameBatch), uint64(math.MaxUint64), uint64(0), uint64(math.MaxUint64), true)
	f.Add(uint64(0), uint64(0), uint64(0), uint64(0), false)
	f.Fuzz(func(t *testing.T, word, pos, limit, maxMessage uint64, batch bool) {
		n := FrameLength(word)
		message := IsData(word) && n <= maxMessage && limit >= FrameHeaderSize && n <= limit-FrameHeaderSize
		several := batch && IsBatch(word) && n%FrameAlign == 0 && limit >= BatchHeaderSize && n <= limit-BatchHeaderSize
		err := CheckMPMCFrame(word, pos, limit, maxMessage, batch)
		if message || several {
			require.NoError(t, err)
			return
		}
		var c *CorruptError
		require.ErrorAs(t, err, &c)
		require.Equal(t, pos, c.Offset)
		require.NotEmpty(t, c.Want)
	})
}
