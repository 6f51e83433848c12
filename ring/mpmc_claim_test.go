package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// crowdPair is a small empty ring at a position, with a producer in slot 0 and a consumer in slot 1.
func crowdPair(t require.TestingT, pos uint64) (MPMCMemory, *MPMCProducer, *MPMCConsumer) {
	m := smallCrowd(pos)
	return m, mustProducer(t, m, 0), mustConsumer(t, m, 1)
}

// crowdClaim claims n bytes and fills them with a pattern.
func crowdClaim(t require.TestingT, p *MPMCProducer, n int, salt byte) {
	space, o := p.Claim(uint64(n))
	require.Equal(t, Done, o, "%v", p.Err())
	require.Len(t, space, n)
	require.Equal(t, n, cap(space), "there must be no room to append")
	copy(space, pattern(n, salt))
}

func TestMPMCClaim_IsAMessageAfterCommit(t *testing.T) {
	m, p, c := crowdPair(t, 0)
	crowdClaim(t, p, 100, 3)
	n, held := p.Claimed()
	require.EqualValues(t, 100, n)
	require.True(t, held)
	requireWord(t, m, 0, 2, 0, protocol.WordClaimed)
	crowdEmpty(t, c)
	require.Zero(t, slotCount(m, 0, protocol.SlotSent), "it is not sent yet")

	require.Equal(t, Done, p.Commit(100, 9))
	requireWord(t, m, 0, 2, 0, protocol.WordCommitted)
	_, held = p.Claimed()
	require.False(t, held)
	crowdReceive(t, c, pattern(100, 3), 9, false)
	requireWord(t, m, 0, 2, 1, protocol.WordTaken)
	c.Release()
	requireFree(t, m, 2, 2+fewGranules)
	require.EqualValues(t, []uint64{1, 100, 0}, []uint64{slotCount(m, 0, protocol.SlotSent), slotCount(m, 0, protocol.SlotSentBytes), slotCount(m, 0, protocol.SlotAborts)})
	require.EqualValues(t, []uint64{1, 100, 0}, []uint64{slotCount(m, 1, protocol.SlotReceived), slotCount(m, 1, protocol.SlotReceivedBytes), slotCount(m, 1, protocol.SlotRedelivered)})
}

func TestMPMCClaim_KeepsItsGranulesIfLessIsCommitted(t *testing.T) {
	m, p, c := crowdPair(t, 0)
	crowdClaim(t, p, 300, 1)
	require.Equal(t, Done, p.Commit(1, 2))
	requireWord(t, m, 0, 5, 0, protocol.WordCommitted)
	crowdSend(t, p, 7)
	requireWord(t, m, 5, 1, 0, protocol.WordCommitted)
	crowdReceive(t, c, pattern(300, 1)[:1], 2, false)
	crowdReceive(t, c, pattern(7, 0), 0, false)
	requireFree(t, m, 6, 5+fewGranules)
}

func TestMPMCClaim_OfNothingIsAnEmptyMessage(t *testing.T) {
	_, p, c := crowdPair(t, 0)
	crowdClaim(t, p, 0, 0)
	require.Equal(t, Done, p.Commit(0, 5))
	crowdClaim(t, p, 80, 0)
	require.Equal(t, Done, p.Commit(0, 6))
	crowdReceive(t, c, nil, 5, false)
	crowdReceive(t, c, nil, 6, false)
	crowdEmpty(t, c)
}

func TestMPMCAbort_HasConsumersSkipTheFrame(t *testing.T) {
	m, p, c := crowdPair(t, 0)
	crowdClaim(t, p, 150, 1)
	require.Equal(t, Done, p.Abort())
	requireWord(t, m, 0, 3, 0, protocol.WordAbandoned)
	_, held := p.Claimed()
	require.False(t, held)
	crowdSend(t, p, 20)
	requireWord(t, m, 3, 1, 0, protocol.WordCommitted)
	crowdReceive(t, c, pattern(20, 0), 0, false)
	requireFree(t, m, 4, 3+fewGranules)
	require.EqualValues(t, []uint64{1, 1}, []uint64{slotCount(m, 0, protocol.SlotAborts), slotCount(m, 0, protocol.SlotSent)})

	crowdClaim(t, p, 60, 1) // the last thing in the ring
	require.Equal(t, Done, p.Abort())
	crowdEmpty(t, c)
	requireFree(t, m, 6, 6+fewGranules)
	require.EqualValues(t, 1, slotCount(m, 1, protocol.SlotReceived), "what is skipped is not received")
}

func TestMPMCClaim_OfManyProducersIsDeliveredInTheOrderOfClaims(t *testing.T) {
	m := smallCrowd(13)
	c := mpmcConsumer(t, m, 9)
	var producers []*MPMCProducer
	for i := range 5 {
		p := mpmcProducer(t, m, uint8(i))
		crowdClaim(t, p, 10*i, byte(i))
		producers = append(producers, p)
	}
	for _, i := range []int{4, 1, 3} {
		require.Equal(t, Done, producers[i].Commit(uint64(10*i), uint16(i)))
		crowdEmpty(t, c)
	}
	require.Equal(t, Done, producers[0].Abort())
	crowdReceive(t, c, pattern(10, 1), 1, false)
	crowdEmpty(t, c)
	require.Equal(t, Done, producers[2].Commit(20, 2))
	for i := 2; i < 5; i++ {
		crowdReceive(t, c, pattern(10*i, byte(i)), uint16(i), false)
	}
	crowdEmpty(t, c)
}

// Whoever takes the owner of a claim for dead, though it lives, breaks the protocol. The owner must notice before it goes on.
func TestMPMCClaim_NoticesThatItWasTakenAway(t *testing.T) {
	for _, state := range []uint8{protocol.WordAbandoned, protocol.WordSkipping, protocol.WordFree, protocol.WordCommitted} {
		for _, end := range []struct {
			what string
			end  func(*MPMCProducer) Outcome
		}{
			{"commit", func(p *MPMCProducer) Outcome { return p.Commit(1, 1) }},
			{"abort", (*MPMCProducer).Abort},
		} {
			m, p, _ := crowdPair(t, 0)
			crowdClaim(t, p, 1, 1)
			was := wordOf(m, 0).With(0, state)
			crowdWord(m, 0).Store(uint64(was))
			requireCrowdBroken(t, m, end.end(p), p.Err(), end.what+": the claim is not ours any more")
			require.Equal(t, was, wordOf(m, 0), "the word is another's now")
		}
	}
}
