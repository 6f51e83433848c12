package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// A word behind a free one at the tail can only be free too, or in use in the lap before. Anything else must not pass for a
// full ring, for which a producer would look again and again.
func TestMPMCProducer_FindsAWordThatCannotBeBehindTheTail(t *testing.T) {
	m := newCrowdMemory(1<<16, smallGranule, 0)
	p := mpmcProducer(t, m, 0)
	setWord(m, 1<<15-1, 1, 0, protocol.WordCommitted)
	shmtest.Within(t, shmtest.Patience, "a send", func() {
		requireCrowdBroken(t, m, p.Send(make([]byte, m.MaxMessage), 1), p.Err(), "granule")
	})
}

// Whoever waits asks the kernel about the owner that Blocker names.
func TestMPMCConsumer_NamesNoBlockerThatCannotBe(t *testing.T) {
	m := smallCrowd(0)
	c := mpmcConsumer(t, m, 1)
	setWord(m, 0, 1, uint8(m.Participants), protocol.WordClaimed)
	requireCrowdBroken(t, m, c.Look(1, true), c.Err(), "owner")
	_, blocked := c.Blocker()
	require.False(t, blocked)
}

func TestMPMC_BrokenStaysBroken(t *testing.T) {
	m := smallCrowd(0)
	p, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1)
	crowdSend(t, p, 1, 2)
	*wordAt(c.data, 0) = 0
	for range 3 {
		_, _, o := c.Next()
		requireCrowdBroken(t, m, o, c.Err(), "version")
		require.False(t, c.Held())
	}
	requireWord(t, m, 0, 1, 1, protocol.WordTaken) // a frame that broke the protocol is evidence, and not given back

	_, o := p.Claim(1)
	require.Equal(t, Done, o)
	setWord(m, 2, 1, 9, protocol.WordClaimed)
	requireCrowdBroken(t, m, p.Commit(1, 1), p.Err(), "not ours")
	poisonOf(m).Store(0)
	require.Equal(t, Broken, p.Send(nil, 1), "though there is room")
}

// A peer can feed a consumer frames that have nothing to deliver as fast as it passes over them. Next must come back all the same,
// or its caller never sees that it is to stop.
func TestMPMCConsumer_ComesBackFromAPeerThatFeedsItNothing(t *testing.T) {
	finished := protocol.FrameSize(8)
	for name, feed := range map[string]func(m MPMCMemory, pos uint64){
		"finished batches": func(m MPMCMemory, pos uint64) {
			frame := m.Data[pos%fewGranules*smallGranule:]
			le.PutUint64(frame, protocol.FrameHeader(uint32(finished), 0, protocol.FrameBatch))
			le.PutUint64(frame[protocol.FrameHeaderSize:], finished)
			setWord(m, pos, 1, 0, protocol.WordCommitted)
		},
		"messages to be dropped": func(m MPMCMemory, pos uint64) {
			le.PutUint64(m.Data[pos%fewGranules*smallGranule:], protocol.FrameHeader(3, 0, 0))
			setWord(m, pos, 1, orphanOfDead, protocol.WordOrphan)
			crowdShared(m, protocol.OffMPMCOrphans).Add(1)
		},
		"frames to be skipped": func(m MPMCMemory, pos uint64) {
			setWord(m, pos, 1, 0, protocol.WordAbandoned)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := smallCrowd(0)
			m.Drop = true
			m.Control[protocol.OffSpaceGate+protocol.OffGateWaiting] = 1
			fed := uint64(0)
			c, err := NewMPMCConsumer(m, 1, func() {
				if fed++; fed < 1<<22 { // far beyond what one call may do
					feed(m, fed)
				}
			})
			require.NoError(t, err)
			feed(m, 0)
			_, _, o := c.Next()
			require.Equal(t, Empty, o)
			require.Less(t, fed, uint64(1<<22), "frames in one call")
		})
	}
}
