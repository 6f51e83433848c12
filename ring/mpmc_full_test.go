package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// requireRoom demands what messages of which spans find: those of up to most granules have room.
func requireRoom(t require.TestingT, m MPMCMemory, p *MPMCProducer, most uint64) {
	for span := uint64(1); span <= fewGranules/2; span++ {
		want := Done
		if span > most {
			want = Full
		}
		require.Equal(t, want, p.AwaitRoom(uint64(spanned(m, span)), 1), "%d granules", span)
	}
}

func TestMPMCFull_IsARingWithoutAFreeGranule(t *testing.T) {
	for index := range uint64(fewGranules) {
		m, p, c := crowdPair(t, positionAtLap(1, index))
		for i := range fewGranules {
			require.Equal(t, Done, p.Send(pattern(9, byte(i)), uint16(i)))
		}
		for range 3 {
			require.Equal(t, Full, p.Send(nil, 1))
			_, o := p.Claim(0)
			require.Equal(t, Full, o)
			n, o := p.SendBatch([][]byte{nil, nil}, 1)
			require.Zero(t, n)
			require.Equal(t, Full, o)
			requireRoom(t, m, p, 0)
		}
		crowdReceive(t, c, pattern(9, 0), 0, false)
		require.Equal(t, Full, p.Send(nil, 1), "a frame in hand is no room")
		crowdReceive(t, c, pattern(9, 1), 1, false)
		require.Equal(t, Done, p.Send(pattern(9, 16), 16))
		require.Equal(t, Full, p.Send(nil, 1), "there was room for one")
		for i := 2; i < fewGranules+1; i++ {
			crowdReceive(t, c, pattern(9, byte(i)), uint16(i), false)
		}
		crowdEmpty(t, c)
		require.EqualValues(t, fewGranules+1, slotCount(m, 0, protocol.SlotSent))
	}
}

func TestMPMCFull_OnlyTheFirstFrameInUseMakesRoom(t *testing.T) {
	m := smallCrowd(0)
	p, first, second := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
	for range fewGranules / 2 {
		crowdSend(t, p, spanned(m, 2))
	}
	crowdReceive(t, first, pattern(spanned(m, 2), 0), 0, false)
	for i := range 3 {
		crowdReceive(t, second, pattern(spanned(m, 2), 0), 0, false)
		second.Release()
		requireFree(t, m, fewGranules+2, fewGranules+2*uint64(i+2))
		requireRoom(t, m, p, 0)
	}
	first.Release()
	requireRoom(t, m, p, 8)
	crowdSend(t, p, spanned(m, 3), spanned(m, 4))
	requireRoom(t, m, p, 1)
}

func TestMPMCFull_IsForThoseThatDoNotFit(t *testing.T) {
	m, p, c := crowdPair(t, 0)
	crowdSend(t, p, spanned(m, 8), spanned(m, 5))
	requireRoom(t, m, p, 8) // three granules, or padding of three; more is not known before the padding is there
	requireFree(t, m, 13, 16)
	require.Equal(t, Full, p.Send(make([]byte, spanned(m, 4)), 1))
	requireWord(t, m, 13, 3, 0, protocol.WordAbandoned) // padding stays: whoever comes next begins behind it
	requireRoom(t, m, p, 0)
	crowdReceive(t, c, pattern(spanned(m, 8), 0), 0, false)
	c.Release()
	requireRoom(t, m, p, 8)
	crowdSend(t, p, 3)
	requireWord(t, m, 16, 1, 0, protocol.WordCommitted)
	requireRoom(t, m, p, 7)
	crowdReceive(t, c, pattern(spanned(m, 5), 1), 1, false)
	crowdReceive(t, c, pattern(3, 0), 0, false)
	crowdEmpty(t, c)
}

func TestMPMCFull_UntilAbandonedFramesAreSkipped(t *testing.T) {
	m, p, c := crowdPair(t, 4)
	for range 2 {
		crowdClaim(t, p, spanned(m, 6), 0)
		require.Equal(t, Done, p.Abort())
	}
	requireRoom(t, m, p, 4)
	crowdSend(t, p, spanned(m, 4))
	requireRoom(t, m, p, 0)
	crowdReceive(t, c, pattern(spanned(m, 4), 0), 0, false)
	requireRoom(t, m, p, 8)
}

// Another producer fills the ring meanwhile: what one remembers of the tail is not the tail.
func TestMPMCFull_IsFoundByWhoWasNotThere(t *testing.T) {
	m, p, c := crowdPair(t, 0)
	late := mpmcProducer(t, m, 2)
	for round := range 5 {
		for range fewGranules {
			crowdSend(t, p, 1)
		}
		require.Equal(t, Full, late.Send(nil, 1), "round %d", round)
		for range fewGranules {
			crowdReceive(t, c, pattern(1, 0), 0, false)
		}
		c.Release()
	}
	require.Equal(t, Done, late.Send(nil, 1))
}
