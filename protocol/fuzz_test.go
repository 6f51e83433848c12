package protocol

import (
	"hash/crc32"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParse gives Parse any bytes, as they are or after a repair that takes them past the checks that chance never passes:
// magic, version, byte order, checksum. It must not panic, and what it accepts must be sound.
func FuzzParse(f *testing.F) {
	for _, repaired := range []bool{false, true} {
		for _, h := range []*Header{fixedHeader(f), crowdHeader(f)} {
			clean := encode(h)
			fixed, table := clean[:HeaderChecked], clean[HeaderSize:]
			f.Add(fixed, table, h.SegmentSize, repaired)
			f.Add(fixed, table, uint64(math.MaxUint64), repaired)
			f.Add(fixed, []byte{}, h.SegmentSize, repaired)
		}
		f.Add([]byte{}, []byte{}, uint64(0), repaired)
		f.Add([]byte("#!/bin/sh\n"), []byte{}, uint64(10), repaired)
	}
	f.Fuzz(func(t *testing.T, fixed, table []byte, size uint64, repaired bool) {
		if repaired {
			requireSafe(t, repair(assemble(fixed, table)), size)
			return
		}
		requireSafe(t, append([]byte(nil), fixed...), size)
		requireSafe(t, assemble(fixed, table), size)
	})
}

// FuzzGeometry gives Parse the numbers of a segment of two rings, signed, so that the fuzzer works on the geometry alone. The first
// ring is of any mode, the second one is SPSC.
func FuzzGeometry(f *testing.F) {
	for _, h := range []*Header{fixedHeader(f), crowdHeader(f)} {
		a, b := h.Rings[0], h.Rings[1]
		f.Add(h.SegmentSize, h.SegmentSize, h.ParticipantTable, h.ParticipantCount,
			uint32(a.Mode), a.Flags, a.Control, a.ControlSize, a.Data, a.Capacity, a.MaxMessage, a.FirstParticipant, a.Participants, a.Granule, a.WordShift,
			b.Control, b.Data, b.Capacity, b.MaxMessage, b.FirstParticipant, b.Participants)
		f.Add(uint64(math.MaxUint64), uint64(math.MaxUint64), h.ParticipantTable, h.ParticipantCount,
			uint32(a.Mode), uint32(math.MaxUint32), a.Control, uint64(math.MaxUint64-PageSize+1), a.Data, a.Capacity, a.MaxMessage, a.FirstParticipant, a.Participants, uint32(0), uint32(math.MaxUint32),
			uint64(math.MaxUint64-PageSize+1), uint64(0), b.Capacity, b.MaxMessage, uint32(math.MaxUint32), uint32(math.MaxUint32))
	}
	f.Fuzz(func(t *testing.T, size, segmentSize uint64, participantTable, participantCount uint32,
		mode0, flags0 uint32, control0, controlSize0, data0, capacity0, message0 uint64, first0, participants0, granule0, shift0 uint32,
		control1, data1, capacity1, message1 uint64, first1, participants1 uint32) {
		h := &Header{VersionMajor: VersionMajor, SegmentSize: segmentSize, ParticipantTable: participantTable, ParticipantCount: participantCount}
		h.Rings = []Ring{
			{Mode: Mode(mode0), Flags: flags0, Control: control0, ControlSize: controlSize0, Data: data0, Capacity: capacity0, MaxMessage: message0,
				FirstParticipant: first0, Participants: participants0, Granule: granule0, WordShift: shift0},
			{Mode: SPSC, Control: control1, ControlSize: ControlSize, Data: data1, Capacity: capacity1, MaxMessage: message1, FirstParticipant: first1, Participants: participants1},
		}
		requireSafe(t, encode(h), size)
	})
}

// requireSafe demands of Parse that it either refuses with a reason, or accepts what is sound.
func requireSafe(t *testing.T, mem []byte, size uint64) {
	sum := checksumOf(mem)
	got, err := Parse(mem, size)
	require.Equal(t, sum, checksumOf(mem), "Parse writes nothing")
	if err != nil {
		require.Nil(t, got)
		requireRefused(t, err)
		return
	}
	requireSound(t, got, size)
	again, err := Parse(encode(got), size)
	require.NoError(t, err, "what is accepted can be written again")
	require.Equal(t, got, again)
}

func checksumOf(mem []byte) uint32 { return crc32.ChecksumIEEE(mem) }

// assemble puts the header and the ring table where they belong. The zeros between are not worth the fuzzer's time.
func assemble(fixed, table []byte) []byte {
	mem := make([]byte, HeaderSize, HeaderSize+RingEntrySize+len(table))
	copy(mem, fixed)
	return append(mem, table...)
}

// repair makes the first bytes those of a segment and signs them. The geometry stays what the fuzzer made it.
func repair(mem []byte) []byte {
	copy(mem, Magic[:])
	le.PutUint16(mem[OffVersionMajor:], VersionMajor)
	le.PutUint32(mem[OffByteOrder:], ByteOrderMark)
	le.PutUint64(mem[OffIncompatible:], KnownIncompatible)
	sign(mem)
	return mem
}

// FuzzCheckFrame gives CheckFrame any word at any place: what passes is data or padding that fits, and all that is so passes.
func FuzzCheckFrame(f *testing.F) {
	f.Add(FrameHeader(100, 1, 0), uint64(64), uint64(512), uint64(1000))
	f.Add(FrameHeader(504, 0, FramePadding), uint64(64), uint64(512), uint64(100))
	f.Add(FrameHeader(math.MaxUint32, 0, 0), uint64(math.MaxUint64), uint64(math.MaxUint64), uint64(math.MaxUint64))
	f.Add(uint64(0), uint64(0), uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, word, pos, limit, maxMessage uint64) {
		fits := FrameSize(FrameLength(word)) <= limit
		sound := IsPadding(word) && fits || IsData(word) && fits && FrameLength(word) <= maxMessage
		require.False(t, IsData(word) && IsPadding(word))
		err := CheckFrame(word, pos, limit, maxMessage)
		if sound {
			require.NoError(t, err)
			return
		}
		require.ErrorIs(t, err, ErrCorrupt)
		var c *CorruptError
		require.ErrorAs(t, err, &c)
		require.Equal(t, pos, c.Offset)
		require.Contains(t, err.Error(), "want ")
	})
}
