package protocol

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew; only together with a new version of the layout")

// fixedParticipant writes an entry by the offsets, as package segment does.
func fixedParticipant() []byte {
	b := make([]byte, ParticipantEntrySize)
	le.PutUint64(b[OffStatus:], uint64(NewStatus(0x010203, EntryActive)))
	le.PutUint32(b[OffRole:], uint32(RoleConsumer))
	le.PutUint32(b[OffPID:], 4242)
	le.PutUint64(b[OffPIDNamespace:], 4026531836)
	le.PutUint64(b[OffStartTime:], 987654321)
	le.PutUint64(b[OffAttached:], 0x1122334455667799)
	copy(b[OffCommand:], "consumer")
	return b
}

func dump() string {
	h := &Header{
		VersionMajor: 1, VersionMinor: 0, ReadOnlyCompatible: 1 << 5, Compatible: 1 << 63,
		SegmentSize: 0x15000, CreatedUnixNano: 0x1122334455667788,
		ParticipantCount: 4, ParticipantTable: 0x1100, Flags: FlagTransient, Name: "orders",
		Rings: []Ring{
			{Mode: SPSC, Control: 0x2000, ControlSize: 0x1000, Data: 0x3000, Capacity: 0x1000, MaxMessage: 2040, FirstParticipant: 0, Participants: 2},
			{Mode: SPSC, Control: 0x4000, ControlSize: 0x1000, Data: 0x5000, Capacity: 0x10000, MaxMessage: 1000, FirstParticipant: 2, Participants: 2},
		},
	}
	for i := range h.UUID {
		h.UUID[i] = byte(0xa0 + i)
	}
	mem := encode(h)
	frames := le.AppendUint64(nil, FrameHeader(0x01020304, 0xbeef, 0))
	frames = le.AppendUint64(frames, FrameHeader(56, 0, FramePadding))
	var b strings.Builder
	for _, part := range []struct {
		name  string
		bytes []byte
	}{
		{"header, 512 bytes at 0", mem[:HeaderChecked]},
		{"ring table, 2 entries at 4096", mem[HeaderSize:]},
		{"participant", fixedParticipant()},
		{"frame headers: data of 0x01020304 bytes and type 0xbeef, padding of 56 bytes", frames},
	} {
		fmt.Fprintf(&b, "# %s\n%s", part.name, hex.Dump(part.bytes))
	}
	return b.String()
}

// The bytes on the wire are the contract. If this fails, peers of another release read rubbish: change the version, not the
// golden file.
func TestLayout_HasTheGoldenBytes(t *testing.T) {
	requireGolden(t, "segment.golden", dump())
}

func requireGolden(t *testing.T, name, got string) {
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestNewHeader_LaysOutWhatTheGoldenBytesSay(t *testing.T) {
	h := fixedHeader(t)
	require.Equal(t, []Ring{
		{Mode: SPSC, Control: 0x2000, ControlSize: 0x1000, Data: 0x3000, Capacity: 0x1000, MaxMessage: 2040, FirstParticipant: 0, Participants: 2},
		{Mode: SPSC, Control: 0x4000, ControlSize: 0x1000, Data: 0x5000, Capacity: 0x10000, MaxMessage: 1000, FirstParticipant: 2, Participants: 2},
	}, h.Rings)
	require.EqualValues(t, 0x15000, h.SegmentSize)
	require.EqualValues(t, 0x1100, h.ParticipantTable)
	require.EqualValues(t, 4, h.ParticipantCount)
}

func TestEncode_LeavesTheStateAlone(t *testing.T) {
	h := fixedHeader(t)
	mem := encode(h)
	le.PutUint32(mem[OffState:], StateReady)
	h.Encode(mem)
	require.Equal(t, StateReady, le.Uint32(mem[OffState:]))
}
