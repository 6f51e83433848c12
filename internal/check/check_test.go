package check_test

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/check"
	"shmpipe/protocol"
	"shmpipe/ring"
)

const capacity = protocol.MinCapacity

// segment makes a sound one of two rings. In the first, messages were sent and some of them received, once round the end of the
// data, so that there is padding between the cursor and the tail.
func segment(t testing.TB) ([]byte, *protocol.Header) {
	h, err := protocol.NewHeader([]protocol.RingSpec{{Mode: protocol.SPSC, Capacity: capacity}, {Mode: protocol.SPSC, Capacity: capacity}})
	require.NoError(t, err)
	h.Name = "orders"
	mem := aligned(int(h.SegmentSize))
	h.Encode(mem)
	put32(mem, protocol.OffState, protocol.StateReady)
	r := h.Rings[0]
	m := ring.Memory{Control: mem[r.Control : r.Control+r.ControlSize], Data: mem[r.Data : r.Data+r.Capacity], MaxMessage: r.MaxMessage}
	p, err := ring.NewProducer(m, false)
	require.NoError(t, err)
	c, err := ring.NewConsumer(m, func() {})
	require.NoError(t, err)
	for range 3 {
		require.Equal(t, ring.Done, p.Put(make([]byte, 1200), 1))
		p.Publish()
		_, _, o := c.Next()
		require.Equal(t, ring.Done, o)
		c.Release()
	}
	c.Rest()
	for range 2 {
		require.Equal(t, ring.Done, p.Put(make([]byte, 1200), 1))
	}
	p.Publish()
	for i, role := range []protocol.Role{protocol.RoleProducer, protocol.RoleConsumer} {
		at := h.ParticipantOffset(uint32(i))
		put64(mem, at+protocol.OffStatus, uint64(protocol.NewStatus(1, protocol.EntryActive)))
		put32(mem, at+protocol.OffRole, uint32(role))
		put32(mem, at+protocol.OffPID, 4711)
	}
	return mem, h
}

func aligned(n int) []byte {
	words := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
}

func put64(mem []byte, at, v uint64)        { binary.LittleEndian.PutUint64(mem[at:], v) }
func put32(mem []byte, at uint64, v uint32) { binary.LittleEndian.PutUint32(mem[at:], v) }
func get64(mem []byte, at uint64) uint64    { return binary.LittleEndian.Uint64(mem[at:]) }

func alive(uint32) (bool, error) { return true, nil }

func found(mem []byte, held func(uint32) (bool, error)) []check.Problem {
	return slices.Collect(check.Segment(mem, held))
}

func TestSegment_FindsNothingInASoundOne(t *testing.T) {
	mem, h := segment(t)
	before := slices.Clone(mem)
	require.Empty(t, found(mem, alive))
	require.Empty(t, found(mem, nil))
	require.Equal(t, before, mem, "it does not write")
	// There is something to walk: a message, padding and a message.
	control := h.Rings[0].Control
	require.Greater(t, get64(mem, control+protocol.OffTail)-get64(mem, control+protocol.OffCursor), uint64(2400))
}

func TestSegment_FindsNothingWrongInAnUnalignedCopy(t *testing.T) {
	mem, _ := segment(t)
	shifted := append(aligned(1), mem...)[1:]
	require.Empty(t, found(shifted, alive))
}

// TestSegment_FindsEachKindOfDamage has what is done to a sound segment, and what must be said of it.
func TestSegment_FindsEachKindOfDamage(t *testing.T) {
	type damage struct {
		do   func(mem []byte, h *protocol.Header)
		want string
		ring int
	}
	control := func(offset uint64, v uint64) func([]byte, *protocol.Header) {
		return func(mem []byte, h *protocol.Header) { put64(mem, h.Rings[0].Control+offset, v) }
	}
	cursor := func(mem []byte, h *protocol.Header) uint64 { return get64(mem, h.Rings[0].Control+protocol.OffCursor) }
	// The cursor is at padding; the messages are behind it, from the beginning of the data.
	frame := func(change func(word uint64) uint64) func([]byte, *protocol.Header) {
		return func(mem []byte, h *protocol.Header) {
			at := h.Rings[0].Data
			put64(mem, at, change(get64(mem, at)))
		}
	}
	status := func(v protocol.Status) func([]byte, *protocol.Header) {
		return func(mem []byte, h *protocol.Header) { put64(mem, h.ParticipantOffset(1)+protocol.OffStatus, uint64(v)) }
	}
	for name, d := range map[string]damage{
		"magic":                {func(mem []byte, _ *protocol.Header) { mem[0] ^= 1 }, "not a shmpipe segment", check.Segmentwide},
		"checksum":             {func(mem []byte, _ *protocol.Header) { mem[protocol.OffUUID] ^= 1 }, "checksum", check.Segmentwide},
		"version":              {func(mem []byte, _ *protocol.Header) { mem[protocol.OffVersionMajor] = 9 }, "version", check.Segmentwide},
		"building":             {func(mem []byte, _ *protocol.Header) { put32(mem, protocol.OffState, 0) }, "state is 0 (building)", check.Segmentwide},
		"state":                {func(mem []byte, _ *protocol.Header) { put32(mem, protocol.OffState, 77) }, "state is 77", check.Segmentwide},
		"reserved header":      {func(mem []byte, _ *protocol.Header) { mem[protocol.OffState+100] = 1 }, "reserved bytes", check.Segmentwide},
		"reserved participant": {func(mem []byte, h *protocol.Header) { mem[h.ParticipantOffset(1)+100] = 1 }, "reserved bytes", check.Segmentwide},
		"behind the tables":    {func(mem []byte, h *protocol.Header) { mem[h.Rings[0].Control-8] = 1 }, "reserved bytes", check.Segmentwide},
		"reserved control":     {control(protocol.OffHead+8, 1<<40), "reserved bytes", 0},
		"reserved control end": {control(protocol.ControlSize-8, 1), "reserved bytes", 0},
		"second ring":          {func(mem []byte, h *protocol.Header) { put32(mem, h.Rings[1].Control+protocol.OffPoison, 1) }, "poison word is 1", 1},
		"poison":               {control(protocol.OffPoison, 1), "poison word is 1", 0},
		"gate":                 {control(protocol.OffDataGate, 4), "waiting word is 4", 0},
		"unaligned tail":       {control(protocol.OffTail, 4001), "tail is 4001, want a multiple of 8", 0},
		"unaligned head":       {control(protocol.OffHead, 3), "head is 3, want a multiple of 8", 0},
		"unaligned cursor":     {control(protocol.OffCursor, 3604+2), "cursor is 3606, want a multiple of 8", 0},
		"cursor before head":   {control(protocol.OffCursor, 0), "want at least the head", 0},
		"tail before cursor":   {control(protocol.OffTail, 0), "want at least the cursor", 0},
		"tail too far":         {control(protocol.OffTail, 1<<40), "more than the head", 0},
		"nothing in hand": {func(mem []byte, h *protocol.Header) {
			at := h.Rings[0].Control
			put64(mem, at+protocol.OffTail, cursor(mem, h))
			put64(mem, at+protocol.OffCursor, cursor(mem, h)|protocol.CursorInHand)
		}, "there is none", 0},
		"frame version":   {frame(func(w uint64) uint64 { return w &^ (0xff << 56) }), "frame version", 0},
		"frame flags":     {frame(func(w uint64) uint64 { return w | 0x80<<48 }), "frame flags", 0},
		"frame length":    {frame(func(w uint64) uint64 { return w | 0xffffffff }), "frame length", 0},
		"frame too short": {frame(func(w uint64) uint64 { return w - 8 }), "frame at position 5296", 0},
		"padding twice":   {frame(func(uint64) uint64 { return protocol.FrameHeader(16, 0, protocol.FramePadding) }), "padding follows padding", 0},
		"padding length": {func(mem []byte, h *protocol.Header) {
			put64(mem, h.Rings[0].Data+cursor(mem, h)%capacity, protocol.FrameHeader(16, 0, protocol.FramePadding))
		}, "padding of 16 bytes, want 464", 0},
		"status":         {status(protocol.NewStatus(1, 9)), "status is 9", 0},
		"epoch":          {status(protocol.NewStatus(3, protocol.EntryNever)), "epoch is 3", 0},
		"role":           {func(mem []byte, h *protocol.Header) { put32(mem, h.ParticipantOffset(0)+protocol.OffRole, 2) }, "role of participant 0 is 2", 0},
		"truncated":      {nil, "truncated", check.Segmentwide},
		"nearly nothing": {nil, "segment size", check.Segmentwide},
		"nothing at all": {nil, "segment size", check.Segmentwide},
	} {
		t.Run(name, func(t *testing.T) {
			mem, h := segment(t)
			switch name {
			case "truncated":
				mem = mem[:len(mem)-1]
			case "nearly nothing":
				mem = mem[:100]
			case "nothing at all":
				mem = nil
			default:
				d.do(mem, h)
			}
			problems := found(mem, alive)
			require.NotEmpty(t, problems)
			p := problems[0]
			require.Contains(t, p.Text, d.want)
			require.Equal(t, d.ring, p.Ring)
			require.NotEmpty(t, p.Advice)
			require.False(t, p.Note)
			require.Contains(t, p.String(), d.want)
		})
	}
}

func TestSegment_NotesAParticipantThatDied(t *testing.T) {
	mem, _ := segment(t)
	problems := found(mem, func(i uint32) (bool, error) { return i == 0, nil })
	require.Len(t, problems, 1)
	require.True(t, problems[0].Note, "a successor takes the role at once: nothing is broken")
	require.Contains(t, problems[0].Text, "consumer (pid 4711) died without closing")
	require.Contains(t, problems[0].Advice, "shmpipe consumer orders")

	problems = found(mem, func(uint32) (bool, error) { return false, errors.New("no locks here") })
	require.Len(t, problems, 2)
	require.True(t, problems[0].Note)
	require.Contains(t, problems[0].Text, "no locks here")
}

func TestSegment_NotesThatItWasRemoved(t *testing.T) {
	mem, _ := segment(t)
	put32(mem, protocol.OffState, protocol.StateRemoved)
	problems := found(mem, alive)
	require.Len(t, problems, 1)
	require.True(t, problems[0].Note)
}

func TestSegment_IgnoresReservedBytesOfALaterMinorVersion(t *testing.T) {
	mem, h := segment(t)
	h.VersionMinor = protocol.VersionMinor + 1
	h.Encode(mem)
	mem[protocol.OffState+100] = 1
	require.Empty(t, found(mem, alive))
}

func TestSegment_StopsWhenTheCallerHasEnough(t *testing.T) {
	mem, h := segment(t)
	put32(mem, h.Rings[0].Control+protocol.OffPoison, 1)
	put32(mem, h.Rings[1].Control+protocol.OffPoison, 1)
	n := 0
	for range check.Segment(mem, alive) {
		n++
		break
	}
	require.Equal(t, 1, n)
	require.Len(t, found(mem, alive), 2)
}

func FuzzSegment_NeverPanicsAndNeverWrites(f *testing.F) {
	mem, h := segment(f)
	f.Add(uint32(0), uint64(0), []byte{})
	f.Add(uint32(h.Rings[0].Control), uint64(1<<63), []byte{1, 2, 3})
	f.Add(uint32(h.Rings[0].Control+protocol.OffCursor), ^uint64(0)-7, []byte{})
	f.Fuzz(func(t *testing.T, at uint32, v uint64, raw []byte) {
		found(raw, alive)
		changed := append(aligned(len(mem))[:0], mem...)
		put64(changed, uint64(at)%uint64(len(changed)-8), v)
		copy(changed[h.Rings[0].Data:], raw)
		before := slices.Clone(changed)
		found(changed, func(i uint32) (bool, error) { return i%2 == 0, nil })
		require.Equal(t, before, changed)
	})
}
