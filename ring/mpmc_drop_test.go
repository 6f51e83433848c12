package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// dropping is a ring whose policy is to drop what a dead consumer had in hand; with a producer in slot 0, a consumer in slot 1
// that is to die, and one in slot 2.
func dropping(t *testing.T, pos uint64) (MPMCMemory, *MPMCProducer, *MPMCConsumer, *MPMCConsumer) {
	m := smallCrowd(pos)
	m.Drop = true
	return m, mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
}

func TestMPMCDrop_DropsAndCountsWhatTheDeadHadInHand(t *testing.T) {
	m, p, dead, c := dropping(t, 15)
	crowdSend(t, p, 100, 20)
	crowdReceive(t, dead, pattern(100, 0), 0, false)
	recoverCrowd(t, m, 1, Recovered{Orphaned: 1})
	require.Zero(t, recoveryCount(m, protocol.RecoveryDropped), "nobody has dropped it yet")
	crowdReceive(t, c, pattern(20, 1), 1, false)
	require.EqualValues(t, 1, recoveryCount(m, protocol.RecoveryDropped))
	requireFree(t, m, 19, 18+fewGranules)
	crowdEmpty(t, c)
	require.EqualValues(t, []uint64{1, 20, 0}, []uint64{slotCount(m, 2, protocol.SlotReceived), slotCount(m, 2, protocol.SlotReceivedBytes), slotCount(m, 2, protocol.SlotRedelivered)})
	laps(t, m, p, c, 40)
}

func TestMPMCDrop_FindsNothingIfThatWasAll(t *testing.T) {
	m, p, dead, c := dropping(t, 0)
	crowdSend(t, p, 20)
	crowdReceive(t, dead, pattern(20, 0), 0, false)
	recoverCrowd(t, m, 1, Recovered{Orphaned: 1})
	require.Equal(t, Done, c.Look(1, true), "there is something to do")
	crowdEmpty(t, c)
	require.Equal(t, Empty, c.Look(1, true))
	requireFree(t, m, 1, 1+fewGranules)
	require.EqualValues(t, 1, recoveryCount(m, protocol.RecoveryDropped))
}

func TestMPMCDrop_DeliversTheRestOfABatch(t *testing.T) {
	m, p, dead, c := dropping(t, 0)
	crowdBatch(t, p, 1, 2, 3, 4)
	crowdReceive(t, dead, pattern(1, 0), 7, false)
	crowdReceive(t, dead, pattern(2, 1), 7, false)
	recoverCrowd(t, m, 1, Recovered{Orphaned: 1})
	crowdReceive(t, c, pattern(3, 2), 7, false) // nobody has seen it
	require.Equal(t, protocol.FrameSize(1)+protocol.FrameSize(2), progressOf(m, 0))
	require.EqualValues(t, 1, recoveryCount(m, protocol.RecoveryDropped))

	recoverCrowd(t, m, 2, Recovered{Orphaned: 1}) // this one dies too
	c = mpmcConsumer(t, m, 3)
	crowdReceive(t, c, pattern(4, 3), 7, false)
	crowdEmpty(t, c)
	require.EqualValues(t, 2, recoveryCount(m, protocol.RecoveryDropped))
	requireFree(t, m, 2, 2+fewGranules)
	require.EqualValues(t, []uint64{1, 0, 1}, []uint64{slotCount(m, 1, protocol.SlotReceived), slotCount(m, 2, protocol.SlotReceived), slotCount(m, 3, protocol.SlotReceived)})
}

func TestMPMCDrop_GivesTheFrameBackIfTheLastOfABatchWasInHand(t *testing.T) {
	m, p, dead, c := dropping(t, 0)
	crowdBatch(t, p, 1, 2)
	crowdReceive(t, dead, pattern(1, 0), 7, false)
	crowdReceive(t, dead, pattern(2, 1), 7, false)
	recoverCrowd(t, m, 1, Recovered{Orphaned: 1})
	crowdEmpty(t, c)
	requireFree(t, m, 1, 1+fewGranules)
	require.EqualValues(t, 1, recoveryCount(m, protocol.RecoveryDropped))
}

func TestMPMCDrop_IsForTheDeadAndNotForThoseWhoLeft(t *testing.T) {
	m, p, left, c := dropping(t, 0)
	crowdSend(t, p, 20)
	crowdBatch(t, p, 1, 2)
	crowdReceive(t, left, pattern(20, 0), 0, false)
	left.Leave()
	crowdReceive(t, c, pattern(20, 0), 0, true)
	crowdReceive(t, c, pattern(1, 0), 7, false)
	c.Leave()
	c = mpmcConsumer(t, m, 3)
	crowdReceive(t, c, pattern(1, 0), 7, true)
	crowdReceive(t, c, pattern(2, 1), 7, false)
	crowdEmpty(t, c)
	require.Zero(t, recoveryCount(m, protocol.RecoveryDropped))

	crowdSend(t, p, 30) // left by one, and in hand when the next died
	for _, slot := range []uint8{4, 5} {
		c = mpmcConsumer(t, m, slot)
		crowdReceive(t, c, pattern(30, 0), 0, slot == 5)
		if slot == 4 {
			c.Leave()
		}
	}
	recoverCrowd(t, m, 5, Recovered{Orphaned: 1})
	crowdEmpty(t, mpmcConsumer(t, m, 6))
	require.EqualValues(t, 1, recoveryCount(m, protocol.RecoveryDropped))
}

// Who is to drop a message may die before it does.
func TestMPMCDrop_SurvivesTheDeathOfWhoDrops(t *testing.T) {
	m, p, dead, c := dropping(t, 0)
	crowdBatch(t, p, 1, 2)
	crowdReceive(t, dead, pattern(1, 0), 7, false)
	recoverCrowd(t, m, 1, Recovered{Orphaned: 1})
	setWord(m, 0, 1, 7, protocol.WordTaken) // another took it, and died right then
	recoverCrowd(t, m, 7, Recovered{Orphaned: 1})
	crowdReceive(t, c, pattern(2, 1), 7, false)
	crowdEmpty(t, c)
	require.EqualValues(t, 1, recoveryCount(m, protocol.RecoveryDropped))
}
