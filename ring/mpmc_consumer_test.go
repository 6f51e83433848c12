package ring

import (
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func TestMPMCConsumer_ShareMessages(t *testing.T) {
	m := smallCrowd(7)
	p, a, b := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
	for round := range 20 {
		crowdSend(t, p, 10, 70, 130)
		crowdReceive(t, a, pattern(10, 0), 0, false)
		crowdReceive(t, b, pattern(70, 1), 1, false)
		crowdReceive(t, a, pattern(130, 2), 2, false)
		if round%2 == 0 {
			a.Release()
		}
		crowdEmpty(t, b)
	}
	crowdEmpty(t, a)
	require.EqualValues(t, []uint64{40, 20}, []uint64{slotCount(m, 1, protocol.SlotReceived), slotCount(m, 2, protocol.SlotReceived)})
	require.EqualValues(t, []uint64{60, 60 * 70}, []uint64{slotCount(m, 0, protocol.SlotSent), slotCount(m, 0, protocol.SlotSentBytes)})
}

func TestMPMCConsumer_DeliversAgainWhatWasReturned(t *testing.T) {
	m, p, c := crowdPair(t, 0)
	c.Return()
	require.False(t, c.Undelivered(), "nothing is in hand")
	crowdSend(t, p, 10, 20)
	crowdReceive(t, c, pattern(10, 0), 0, false)
	for range 3 {
		c.Return()
		require.True(t, c.Undelivered())
		require.True(t, c.Held())
		require.Zero(t, slotCount(m, 1, protocol.SlotReceived))
		crowdReceive(t, c, pattern(10, 0), 0, false)
	}
	crowdReceive(t, c, pattern(20, 1), 1, false)
	require.EqualValues(t, 1, slotCount(m, 1, protocol.SlotReceived))
	c.Release()
	c.Release()
	require.False(t, c.Held())
	require.EqualValues(t, 2, slotCount(m, 1, protocol.SlotReceived))
}

func TestMPMCConsumer_TellsOfRoomOnlyIfSomebodySleeps(t *testing.T) {
	m := smallCrowd(0)
	told := 0
	c, err := NewMPMCConsumer(m, 1, func() { told++ })
	require.NoError(t, err)
	p := mpmcProducer(t, m, 0)
	sleeps := (*uint32)(unsafe.Pointer(&m.Control[protocol.OffSpaceGate+protocol.OffGateWaiting]))
	for range 3 {
		crowdClaim(t, p, 1, 1)
		require.Equal(t, Done, p.Abort())
		crowdBatch(t, p, 1, 2)
	}
	crowdReceive(t, c, pattern(1, 0), 7, false)
	crowdReceive(t, c, pattern(2, 1), 7, false)
	require.Zero(t, told)
	*sleeps = 1
	crowdReceive(t, c, pattern(1, 0), 7, false)
	require.Equal(t, 2, told, "a frame that was finished, and one that was skipped")
	crowdReceive(t, c, pattern(2, 1), 7, false)
	require.Equal(t, 2, told, "the batch is still in hand")
	c.Release()
	require.Equal(t, 3, told)
	c.Release()
	require.Equal(t, 3, told)
	*sleeps = 0
	crowdReceive(t, c, pattern(1, 0), 7, false)
	c.Release()
	require.Equal(t, 3, told)
}

func TestMPMCLeave_HandsTheMessageInHandToAnother(t *testing.T) {
	m := smallCrowd(14)
	p, a, b := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
	generation := crowdShared(m, protocol.OffMPMCOrphans)
	a.Leave()
	require.Zero(t, generation.Load(), "nothing was in hand")
	a = mpmcConsumer(t, m, 1)
	crowdSend(t, p, 150, 9, 10)
	crowdReceive(t, a, pattern(150, 0), 0, false)
	crowdReceive(t, b, pattern(9, 1), 1, false)
	a.Leave()
	require.EqualValues(t, 1, generation.Load())
	require.False(t, a.Held())
	requireWord(t, m, 16, 3, orphanOfLeft, protocol.WordOrphan)
	a.Leave()
	require.EqualValues(t, 1, generation.Load())

	crowdReceive(t, b, pattern(150, 0), 0, true) // before what was sent later
	b.Return()
	require.True(t, b.Redelivered(), "it still may have been seen")
	crowdReceive(t, b, pattern(150, 0), 0, true)
	b.Leave()
	require.False(t, b.Redelivered())
	c := mpmcConsumer(t, m, 1)
	crowdReceive(t, c, pattern(150, 0), 0, true) // however often
	crowdReceive(t, c, pattern(10, 2), 2, false)
	crowdEmpty(t, c)
	requireFree(t, m, 21, 21+fewGranules)
	require.EqualValues(t, []uint64{2, 1}, []uint64{slotCount(m, 1, protocol.SlotReceived), slotCount(m, 1, protocol.SlotRedelivered)})
	require.EqualValues(t, []uint64{1, 0}, []uint64{slotCount(m, 2, protocol.SlotReceived), slotCount(m, 2, protocol.SlotRedelivered)})
}

func TestMPMCLeave_HandsOverTheRestOfABatch(t *testing.T) {
	m := smallCrowd(0)
	p, a, b := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
	crowdBatch(t, p, 1, 2, 3)
	crowdReceive(t, a, pattern(1, 0), 7, false)
	a.Release()
	a.Leave()
	crowdReceive(t, b, pattern(2, 1), 7, false) // it was in hand, but not delivered
	crowdReceive(t, b, pattern(3, 2), 7, false)
	crowdEmpty(t, b)
	requireFree(t, m, 1, 1+fewGranules)
}

// A consumer whose frame was taken from it does not take it back from the one who has it now.
func TestMPMCLeave_LeavesAloneWhatIsAnothersNow(t *testing.T) {
	m := smallCrowd(0)
	p, a, b := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
	crowdSend(t, p, 5)
	crowdReceive(t, a, pattern(5, 0), 0, false)
	recoverCrowd(t, m, 1, Recovered{Orphaned: 1})
	crowdReceive(t, b, pattern(5, 0), 0, true)
	a.Leave()
	requireWord(t, m, 0, 1, 2, protocol.WordTaken)
	require.EqualValues(t, 1, crowdShared(m, protocol.OffMPMCOrphans).Load())
}

func TestMPMCConsumer_TakesEveryOrphanBeforeAnythingElse(t *testing.T) {
	m := smallCrowd(positionAtLap(1, 12))
	p := mpmcProducer(t, m, 0)
	lengths := []int{70, 10, 100, 20, 30}
	crowdSend(t, p, lengths...)
	var consumers []*MPMCConsumer
	for i, n := range lengths[:4] {
		c := mpmcConsumer(t, m, uint8(i+1))
		crowdReceive(t, c, pattern(n, byte(i)), uint16(i), false)
		consumers = append(consumers, c)
	}
	for i, c := range consumers {
		if i%2 == 0 {
			c.Leave()
		} else {
			recoverCrowd(t, m, c.Slot(), Recovered{Orphaned: 1})
		}
		mpmcConsumer(t, m, c.Slot()) // a newcomer in the slot has nothing to do with it
	}
	c := mpmcConsumer(t, m, 9)
	got := make(map[uint16]bool)
	for range 4 {
		payload, typ, o := c.Next()
		require.Equal(t, Done, o)
		require.Equal(t, pattern(lengths[typ], byte(typ)), payload)
		require.True(t, c.Redelivered())
		got[typ] = true
	}
	require.Len(t, got, 4)
	require.False(t, got[4])
	crowdReceive(t, c, pattern(30, 4), 4, false)
	crowdEmpty(t, c)
}

func TestMPMCLeave_FlagsWhatWasDeliveredAndNothingElse(t *testing.T) {
	m := smallCrowd(0)
	p, a, b := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
	crowdBatch(t, p, 1, 2, 3)
	crowdReceive(t, a, pattern(1, 0), 7, false)
	a.Release()
	a.Return() // there is nothing to put back: the second has not been delivered
	a.Leave()
	requireWord(t, m, 0, 1, orphanUnseen, protocol.WordOrphan)
	crowdReceive(t, b, pattern(2, 1), 7, false)
	b.Return() // this one has
	b.Leave()
	requireWord(t, m, 0, 1, orphanOfLeft, protocol.WordOrphan)
	a = mpmcConsumer(t, m, 1)
	crowdReceive(t, a, pattern(2, 1), 7, true)
	a.Release()
	recoverCrowd(t, m, 1, Recovered{Orphaned: 1}) // the dead cannot say what they had delivered
	crowdReceive(t, mpmcConsumer(t, m, 2), pattern(3, 2), 7, true)
}
