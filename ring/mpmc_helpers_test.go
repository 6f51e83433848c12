package ring

import (
	"bytes"
	"sync/atomic"
	"unsafe"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

const (
	fewGranules  = protocol.MinGranules // the end of the data is near
	smallGranule = protocol.MinGranule
)

// smallCrowd is an empty ring of the least size whose positions all stand at pos, in granules.
func smallCrowd(pos uint64) MPMCMemory {
	return crowdAt(newCrowdMemory(fewGranules, smallGranule, 1), pos)
}

// crowdAt makes m an empty ring whose positions all stand at pos. Its data is not zero, as nothing may depend on that.
func crowdAt(m MPMCMemory, pos uint64) MPMCMemory {
	clear(m.Control)
	for i := range m.Data {
		m.Data[i] = 0xee
	}
	moveCrowd(m, pos)
	return m
}

// moveCrowd makes the ring look as if everything before pos had been sent and finished.
func moveCrowd(m MPMCMemory, pos uint64) {
	for i := range crowdSize(m) {
		crowdWord(m, pos+i).Store(uint64(protocol.FreeWord(crowdLap(m, pos+i))))
	}
	crowdShared(m, protocol.OffMPMCHead).Store(pos)
	crowdShared(m, protocol.OffMPMCTail).Store(pos)
}

// crowdSize is the number of granules.
func crowdSize(m MPMCMemory) uint64 { return uint64(len(m.Data)) / m.Granule }

func crowdLap(m MPMCMemory, pos uint64) uint32 { return uint32(pos / crowdSize(m)) }

func crowdShared(m MPMCMemory, off uint64) *atomic.Uint64 {
	return atomicAt(unsafe.Pointer(unsafe.SliceData(m.Control)), off)
}

// crowdWord is the word of the granule at a position, where the wire contract says.
func crowdWord(m MPMCMemory, pos uint64) *atomic.Uint64 {
	r := protocol.Ring{Capacity: uint64(len(m.Data)), Granule: uint32(m.Granule), WordShift: m.WordShift}
	return crowdShared(m, protocol.WordsOffset(m.Participants)+8*r.WordIndex(pos%crowdSize(m)))
}

func wordOf(m MPMCMemory, pos uint64) protocol.Word { return protocol.Word(crowdWord(m, pos).Load()) }

// setWord makes the word at a position one of its lap.
func setWord(m MPMCMemory, pos, span uint64, owner, state uint8) {
	crowdWord(m, pos).Store(uint64(protocol.NewWord(crowdLap(m, pos), span, owner, state)))
}

// requireWord demands a word of the position's own lap.
func requireWord(t require.TestingT, m MPMCMemory, pos, span uint64, owner, state uint8) {
	require.Equal(t, protocol.NewWord(crowdLap(m, pos), span, owner, state), wordOf(m, pos), "position %d", pos)
}

// requireFree demands that the granules from one position to before another are free, each for its lap.
func requireFree(t require.TestingT, m MPMCMemory, from, to uint64) {
	for pos := from; pos < to; pos++ {
		require.Equal(t, protocol.FreeWord(crowdLap(m, pos)), wordOf(m, pos), "position %d", pos)
	}
}

// slotCount is a counter of a participant's.
func slotCount(m MPMCMemory, slot uint8, index uint64) uint64 {
	return crowdShared(m, protocol.OffMPMCSlots+uint64(slot)*protocol.MPMCSlotSize+8*index).Load()
}

func recoveryCount(m MPMCMemory, index uint64) uint64 {
	return crowdShared(m, protocol.OffMPMCRecovery+8*index).Load()
}

func poisonOf(m MPMCMemory) *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Add(unsafe.Pointer(unsafe.SliceData(m.Control)), protocol.OffPoison))
}

// cloneCrowd is what others would find if everybody died now.
func cloneCrowd(m MPMCMemory) MPMCMemory {
	n := m
	n.Control, n.Data = alignedBytes(uint64(len(m.Control))), alignedBytes(uint64(len(m.Data)))
	copy(n.Control, m.Control)
	copy(n.Data, m.Data)
	return n
}

// spanned is the longest payload of a message that takes that many granules.
func spanned(m MPMCMemory, granules uint64) int {
	return int(granules*m.Granule - protocol.FrameHeaderSize)
}

// crowdSend sends messages of these lengths; see pattern.
func crowdSend(t require.TestingT, p *MPMCProducer, lengths ...int) {
	for i, n := range lengths {
		require.Equal(t, Done, p.Send(pattern(n, byte(i)), uint16(i)), "message %d: %v", i, p.Err())
	}
}

// crowdReceive demands that the next message is this one, flagged or not.
func crowdReceive(t require.TestingT, c *MPMCConsumer, msg []byte, typ uint16, flagged bool) {
	got, gotType, o := c.Next()
	require.Equal(t, Done, o, "%v", c.Err())
	require.True(t, bytes.Equal(msg, got), "got %d bytes, want %d bytes, or the contents differ", len(got), len(msg))
	require.Equal(t, len(got), cap(got), "there must be no room to append")
	require.Equal(t, []uint16{typ, typ}, []uint16{gotType, c.Type()})
	require.Equal(t, flagged, c.Redelivered(), "flagged as redelivered")
	require.True(t, c.Held())
}

func crowdEmpty(t require.TestingT, c *MPMCConsumer) {
	payload, _, o := c.Next()
	require.Equal(t, Empty, o, "%v", c.Err())
	require.Nil(t, payload)
	require.False(t, c.Held())
	require.False(t, c.Redelivered())
}

// recoverCrowd buries a participant, and demands what it left.
func recoverCrowd(t require.TestingT, m MPMCMemory, dead uint8, want Recovered) {
	r, err := RecoverMPMC(m, dead)
	require.NoError(t, err)
	require.Equal(t, want, r)
	for pos := range crowdSize(m) {
		w := wordOf(m, pos)
		require.False(t, w.Owned() && w.Owner() == dead, "the dead one still has index %d: %#x", pos, w)
	}
}

// requireCrowdBroken demands that a step found the ring broken, and that others can see it.
func requireCrowdBroken(t require.TestingT, m MPMCMemory, o Outcome, err error, field string) {
	require.Equal(t, Broken, o)
	requireCorrupt(t, err)
	require.Contains(t, err.Error(), field)
	require.NotZero(t, poisonOf(m).Load(), "the ring must be marked")
}

// laps sends and receives n messages of all sizes, and demands that each comes as it was sent.
func laps(t require.TestingT, m MPMCMemory, p *MPMCProducer, c *MPMCConsumer, n int) {
	for i := range n {
		msg := pattern(i*37%(int(m.MaxMessage)+1), byte(i))
		o := p.Send(msg, uint16(i))
		if o == Full { // behind padding that is still to be skipped
			crowdEmpty(t, c)
			o = p.Send(msg, uint16(i))
		}
		require.Equal(t, Done, o, "message %d: %v", i, p.Err())
		crowdReceive(t, c, msg, uint16(i), false)
		c.Release()
	}
}

func mustProducer(t require.TestingT, m MPMCMemory, slot uint8) *MPMCProducer {
	p, err := NewMPMCProducer(m, slot)
	require.NoError(t, err)
	return p
}

func mustConsumer(t require.TestingT, m MPMCMemory, slot uint8) *MPMCConsumer {
	c, err := NewMPMCConsumer(m, slot, func() {})
	require.NoError(t, err)
	return c
}

// Undelivered reports whether the message in hand was put back, or is that of a batch that comes next.
func (c *MPMCConsumer) Undelivered() bool { return c.hand.is(handHeld) && c.hand.is(handAgain) }
