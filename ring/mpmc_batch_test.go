package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// progressOf is how many bytes of the batch at a position are finished.
func progressOf(m MPMCMemory, pos uint64) uint64 {
	return le.Uint64(m.Data[pos%crowdSize(m)*m.Granule+protocol.FrameHeaderSize:])
}

func TestMPMCBatch_IsOneFrameAndNotesProgress(t *testing.T) {
	m, p, c := crowdPair(t, 15)
	crowdBatch(t, p, 10, 0, 24, 100) // behind padding
	const at = fewGranules
	requireWord(t, m, 15, 1, 0, protocol.WordAbandoned)
	requireWord(t, m, at, 3, 0, protocol.WordCommitted)
	requireFree(t, m, at+1, at+15)
	content := protocol.FrameSize(10) + protocol.FrameSize(0) + protocol.FrameSize(24) + protocol.FrameSize(100)
	require.Equal(t, protocol.FrameHeader(uint32(content), 0, protocol.FrameBatch), le.Uint64(m.Data))
	require.Zero(t, progressOf(m, at))
	require.EqualValues(t, []uint64{4, 134}, []uint64{slotCount(m, 0, protocol.SlotSent), slotCount(m, 0, protocol.SlotSentBytes)})

	done := uint64(0)
	for i, n := range []int{10, 0, 24, 100} {
		crowdReceive(t, c, pattern(n, byte(i)), 7, false)
		require.Equal(t, done, progressOf(m, at), "what is in hand is not finished")
		require.EqualValues(t, i, slotCount(m, 1, protocol.SlotReceived))
		requireWord(t, m, at, 3, 1, protocol.WordTaken)
		done += protocol.FrameSize(uint64(n))
	}
	crowdEmpty(t, c)
	require.Equal(t, done, progressOf(m, at))
	requireFree(t, m, at+3, at+3+fewGranules)
	require.EqualValues(t, []uint64{4, 134}, []uint64{slotCount(m, 1, protocol.SlotReceived), slotCount(m, 1, protocol.SlotReceivedBytes)})
}

func TestMPMCBatch_CanBeReleasedAndReturnedInTheMiddle(t *testing.T) {
	m, p, c := crowdPair(t, 0)
	crowdBatch(t, p, 1, 2, 3)
	crowdReceive(t, c, pattern(1, 0), 7, false)
	c.Return()
	require.True(t, c.Undelivered())
	crowdReceive(t, c, pattern(1, 0), 7, false)
	require.False(t, c.Undelivered())
	c.Release()
	require.True(t, c.Held())
	require.True(t, c.Undelivered(), "the second comes next")
	require.Equal(t, protocol.FrameSize(1), progressOf(m, 0))
	for range 3 {
		c.Release() // it was not delivered, so there is nothing to finish
	}
	require.Equal(t, protocol.FrameSize(1), progressOf(m, 0))
	crowdReceive(t, c, pattern(2, 1), 7, false)
	c.Release()
	c.Return()
	crowdReceive(t, c, pattern(3, 2), 7, false)
	c.Return()
	c.Release()
	require.True(t, c.Held(), "it was put back")
	crowdReceive(t, c, pattern(3, 2), 7, false)
	requireWord(t, m, 0, 1, 1, protocol.WordTaken)
	c.Release()
	require.False(t, c.Held())
	c.Return()
	c.Release()
	require.False(t, c.Undelivered())
	requireFree(t, m, 1, 1+fewGranules)
	crowdEmpty(t, c)
	require.EqualValues(t, []uint64{3, 6}, []uint64{slotCount(m, 1, protocol.SlotReceived), slotCount(m, 1, protocol.SlotReceivedBytes)})
}

func TestMPMCBatch_GoesToOneConsumer(t *testing.T) {
	m := smallCrowd(2)
	p, a, b := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
	crowdBatch(t, p, 1, 2, 3)
	crowdBatch(t, p, 4, 5)
	crowdReceive(t, a, pattern(1, 0), 7, false)
	crowdReceive(t, b, pattern(4, 0), 7, false)
	crowdReceive(t, a, pattern(2, 1), 7, false)
	crowdReceive(t, b, pattern(5, 1), 7, false)
	crowdEmpty(t, b)
	crowdReceive(t, a, pattern(3, 2), 7, false)
	crowdEmpty(t, a)
	requireFree(t, m, 4, 4+fewGranules)
}

func TestMPMCBatch_HoldsWhatFitsIntoAQuarterOfTheRing(t *testing.T) {
	const quarter = fewGranules * smallGranule / 4
	for n, want := range map[int]int{0: 30, 8: 15, 9: 10, 100: 2, 112: 2, 113: 1, 400: 1, 504: 1} {
		m, p, c := crowdPair(t, 0)
		msgs := make([][]byte, 40)
		for i := range msgs {
			msgs[i] = pattern(n, byte(i))
		}
		sent, o := p.SendBatch(msgs, 3)
		require.Equal(t, Done, o)
		require.Equal(t, want, sent, "messages of %d bytes", n)
		require.Equal(t, want > 1, protocol.IsBatch(le.Uint64(m.Data)), "one is sent without a batch's header")
		if want > 1 {
			require.LessOrEqual(t, protocol.BatchHeaderSize+protocol.FrameLength(le.Uint64(m.Data)), uint64(quarter))
		}
		for i := range sent {
			crowdReceive(t, c, pattern(n, byte(i)), 3, false)
		}
		crowdEmpty(t, c)
	}
}

func TestMPMCBatch_IsBoundedInALargeRing(t *testing.T) {
	m := newCrowdMemory(1<<12, smallGranule, 3)
	p, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1)
	msgs := make([][]byte, 2*batchBytes/16)
	for i := range msgs {
		msgs[i] = pattern(8, byte(i))
	}
	sent := 0
	for sent < len(msgs) {
		n, o := p.SendBatch(msgs[sent:], 1)
		require.Equal(t, Done, o)
		require.LessOrEqual(t, n, (batchBytes-protocol.BatchHeaderSize)/16)
		sent += n
	}
	for i := range msgs {
		crowdReceive(t, c, pattern(8, byte(i)), 1, false)
	}
	crowdEmpty(t, c)
}

func TestMPMCBatch_IsHalvedUntilItFits(t *testing.T) {
	for _, c := range []struct{ length, messages, free, want int }{
		{16, 8, 4, 8}, {16, 8, 3, 4}, {16, 8, 2, 4}, {16, 8, 1, 2}, {16, 8, 0, 0},
		{48, 4, 4, 4}, {48, 4, 3, 2}, {48, 4, 1, 1}, {48, 3, 3, 3}, {48, 3, 2, 1},
	} {
		m, p, consumer := crowdPair(t, uint64(c.free)) // so that the batch does not cross the end
		for range fewGranules - c.free {
			crowdSend(t, p, 0)
		}
		msgs := make([][]byte, c.messages)
		for i := range msgs {
			msgs[i] = pattern(c.length, byte(i))
		}
		sent, o := p.SendBatch(msgs, 3)
		require.Equal(t, c.want, sent, "%+v", c)
		require.Equal(t, c.want == 0, o == Full, "%+v", c)
		for range fewGranules - c.free {
			crowdReceive(t, consumer, nil, 0, false)
		}
		for i := range sent {
			crowdReceive(t, consumer, pattern(c.length, byte(i)), 3, false)
		}
		crowdEmpty(t, consumer)
		requireFree(t, m, fewGranules+uint64(c.free), 2*fewGranules)
	}
}

func TestMPMCBatch_EndsBeforeAMessageThatIsTooLarge(t *testing.T) {
	m, p, c := crowdPair(t, 0)
	large := make([]byte, m.MaxMessage+1)
	n, o := p.SendBatch([][]byte{pattern(1, 0), pattern(2, 1), large, nil}, 4)
	require.Equal(t, Done, o)
	require.Equal(t, 2, n)
	n, o = p.SendBatch([][]byte{large, nil}, 4)
	require.Zero(t, n)
	require.Equal(t, TooLarge, o)
	n, o = p.SendBatch(nil, 4)
	require.Zero(t, n)
	require.Equal(t, Done, o)
	n, o = p.SendBatch([][]byte{pattern(5, 5)}, 4)
	require.Equal(t, 1, n)
	require.Equal(t, Done, o)
	for _, want := range [][]byte{pattern(1, 0), pattern(2, 1), pattern(5, 5)} {
		crowdReceive(t, c, want, 4, false)
	}
	crowdEmpty(t, c)
}
