package protocol

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixedCrowd writes the words of a ring of 64 granules by hand, as docs/protocol.md explains them: in its second lap, with a frame in
// each state.
func fixedCrowd(r *Ring) (control, frames []byte) {
	control = make([]byte, r.ControlSize)
	words := control[WordsOffset(r.Participants):]
	put := func(index uint64, w Word) { le.PutUint64(words[8*r.WordIndex(index):], uint64(w)) }
	for index := range r.Granules() {
		put(index, FreeWord(1))
	}
	put(0, FreeWord(2))
	put(1, NewWord(1, 2, 1, WordTaken))
	put(3, NewWord(1, 1, 0, WordOrphan))
	put(4, NewWord(1, 1, 3, WordSkipping))
	put(5, NewWord(1, 2, 0, WordCommitted))
	put(7, NewWord(1, 1, 0, WordAbandoned))
	put(8, NewWord(1, 3, 2, WordClaimed))
	le.PutUint64(control[OffMPMCTail:], 64+11)
	le.PutUint64(control[OffMPMCHead:], 64+5)
	le.PutUint64(control[OffMPMCOrphans:], 1)
	le.PutUint64(control[OffMPMCMembers:], 6)
	le.PutUint64(control[DisplacedOffset(RoleProducer):], 3)
	le.PutUint64(control[DisplacedOffset(RoleConsumer):], 2)
	// At index 5: a batch of "hello" with type 7 and an empty message with type 0.
	frames = le.AppendUint64(nil, FrameHeader(24, 0, FrameBatch))
	frames = le.AppendUint64(frames, 0)
	frames = le.AppendUint64(frames, FrameHeader(5, 7, 0))
	frames = append(frames, "hello\x00\x00\x00"...)
	frames = le.AppendUint64(frames, FrameHeader(0, 0, 0))
	return control, frames
}

func fixedCrowdParticipant() []byte {
	b := fixedParticipant()
	le.PutUint64(b[OffStatus:], uint64(NewMPMCStatus(0x010203, 0x0405, EntryDied)))
	return b
}

func crowdDump(t testing.TB) string {
	h := &Header{
		VersionMajor: 1, SegmentSize: 0x8000, CreatedUnixNano: 0x1122334455667788,
		ParticipantCount: 6, ParticipantTable: 0x1100, Name: "crew",
		Rings: []Ring{
			{Mode: MPMC, Flags: RingFlagDrop, Control: 0x2000, ControlSize: 0x3000, Data: 0x5000, Capacity: 0x1000, MaxMessage: 2040, Participants: 4, Granule: 64, WordShift: 3},
			{Mode: SPSC, Control: 0x6000, ControlSize: 0x1000, Data: 0x7000, Capacity: 0x1000, MaxMessage: 1000, FirstParticipant: 4, Participants: 2},
		},
	}
	for i := range h.UUID {
		h.UUID[i] = byte(0xb0 + i)
	}
	mem := encode(h)
	control, frames := fixedCrowd(&h.Rings[0])
	words := WordsOffset(4)
	require.Empty(t, bytes.Trim(control[OffMPMCDisplaced+16:words], "\x00"))
	var b strings.Builder
	for _, part := range []struct {
		name  string
		bytes []byte
	}{
		{"header, 512 bytes at 0", mem[:HeaderChecked]},
		{"ring table, 2 entries at 4096", mem[HeaderSize:]},
		{"participant: taken 0x010203 times, 0x0405 of them by a producer; died", fixedCrowdParticipant()},
		{"control block of ring 0: tail, head, orphans, members and displaced", control[:OffMPMCDisplaced+16]},
		{"its 64 words, at 0x2000 of the control block", control[words : words+64*8]},
		{"a batch: header, progress, \"hello\" with type 7, an empty message with type 0", frames},
	} {
		fmt.Fprintf(&b, "# %s\n%s", part.name, hex.Dump(part.bytes))
	}
	return b.String()
}

func TestMPMCLayout_HasTheGoldenBytes(t *testing.T) {
	requireGolden(t, "mpmc.golden", crowdDump(t))
}

func TestNewHeader_LaysOutWhatTheGoldenBytesOfMPMCSay(t *testing.T) {
	h := crowdHeader(t)
	require.Equal(t, []Ring{
		{Mode: MPMC, Flags: RingFlagDrop, Control: 0x2000, ControlSize: 0x3000, Data: 0x5000, Capacity: 0x1000, MaxMessage: 2040, Participants: 4, Granule: 64, WordShift: 3},
		{Mode: SPSC, Control: 0x6000, ControlSize: 0x1000, Data: 0x7000, Capacity: 0x1000, MaxMessage: 1000, FirstParticipant: 4, Participants: 2},
	}, h.Rings)
	require.EqualValues(t, 0x8000, h.SegmentSize)
	require.EqualValues(t, 0x1100, h.ParticipantTable)
	require.EqualValues(t, 6, h.ParticipantCount)
}

func TestGoldenCrowd_IsOfSoundWordsAndFrames(t *testing.T) {
	r := crowdHeader(t).Rings[0]
	control, frames := fixedCrowd(&r)
	words := control[WordsOffset(r.Participants):]
	for index := range r.Granules() {
		require.NoError(t, CheckWord(Word(le.Uint64(words[8*r.WordIndex(index):])), index, r.Granules(), r.Participants))
	}
	header := le.Uint64(frames)
	require.NoError(t, CheckMPMCFrame(header, 5, 128, r.MaxMessage, true))
	require.EqualValues(t, len(frames)-BatchHeaderSize, FrameLength(header))
}
