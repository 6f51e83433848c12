package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// crowdBatch sends messages of these lengths as one batch.
func crowdBatch(t require.TestingT, p *MPMCProducer, lengths ...int) {
	msgs := make([][]byte, len(lengths))
	for i, n := range lengths {
		msgs[i] = pattern(n, byte(i))
	}
	n, o := p.SendBatch(msgs, 7)
	require.Equal(t, Done, o)
	require.Equal(t, len(msgs), n)
}

func TestMPMCOrphan_FlagsOfABatchOnlyTheMessageThatWasInHand(t *testing.T) {
	m := smallCrowd(0)
	p, dead, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
	crowdBatch(t, p, 3, 4, 5, 6)
	crowdReceive(t, dead, pattern(3, 0), 7, false)
	crowdReceive(t, dead, pattern(4, 1), 7, false)
	recoverCrowd(t, m, 1, Recovered{Orphaned: 1})
	crowdReceive(t, c, pattern(4, 1), 7, true)
	crowdReceive(t, c, pattern(5, 2), 7, false) // nobody can have seen it
	crowdReceive(t, c, pattern(6, 3), 7, false)
	crowdEmpty(t, c)
	require.EqualValues(t, 1, slotCount(m, 2, protocol.SlotRedelivered))
}

func TestMPMCOrphan_ThatIsFinishedIsNoReasonToFindTheRingEmpty(t *testing.T) {
	m := smallCrowd(0)
	p, dead, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
	crowdBatch(t, p, 8, 8)
	crowdSend(t, p, 5)
	crowdReceive(t, dead, pattern(8, 0), 7, false)
	// It finished the batch, and died before it gave the frame back.
	*wordAt(dead.data, protocol.FrameHeaderSize) = 2 * protocol.FrameSize(8)
	recoverCrowd(t, m, 1, Recovered{Orphaned: 1})
	crowdReceive(t, c, pattern(5, 0), 0, false)
	requireFree(t, m, fewGranules, fewGranules+1)
}

func TestMPMCLook_FindsTheMessageThatNextDelivers(t *testing.T) {
	m := smallCrowd(0)
	p, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1)
	crowdSend(t, p, 1)
	crowdReceive(t, c, pattern(1, 0), 0, false)
	require.Equal(t, Empty, c.Look(1, true))
	c.Return()
	require.Equal(t, Done, c.Look(1, true), "it was put back")
	crowdReceive(t, c, pattern(1, 0), 0, false)
	crowdBatch(t, p, 2, 3)
	crowdReceive(t, c, pattern(2, 0), 7, false)
	c.Release()
	require.Equal(t, Done, c.Look(1, true), "the batch has more")
}

// While a consumer looks through the words, somebody may make an orphan of one that it has passed. The generation grows then, and it must
// look again, though it finds none now.
func TestMPMCOrphan_MadeDuringASearchIsFoundByTheNext(t *testing.T) {
	m := smallCrowd(0)
	p, left, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
	crowdSend(t, p, 5)
	crowdReceive(t, left, pattern(5, 0), 0, false)
	crowdShared(m, protocol.OffMPMCOrphans).Store(2)
	require.False(t, c.adopt(1), "the first generation has none")
	setWord(m, 0, 1, orphanOfLeft, protocol.WordOrphan)
	crowdReceive(t, c, pattern(5, 0), 0, true)
}
