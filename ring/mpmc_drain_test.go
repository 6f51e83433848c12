package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func requireDrained(t require.TestingT, p *MPMCProducer, want bool) {
	o := map[bool]Outcome{true: Done, false: Full}[want]
	require.Equal(t, o, p.AwaitDrained(1))
	require.Equal(t, o, p.AwaitDrained(3))
}

func TestMPMCDrain_WaitsForFramesInHand(t *testing.T) {
	for index := range uint64(fewGranules) {
		m := smallCrowd(positionAtLap(2, index))
		p, other := mpmcProducer(t, m, 0), mpmcProducer(t, m, 1)
		a, b := mpmcConsumer(t, m, 2), mpmcConsumer(t, m, 3)
		p.BeginDrain()
		requireDrained(t, p, true)
		crowdSend(t, p, 10, 100)
		crowdSend(t, other, 70)
		p.BeginDrain()
		requireDrained(t, p, false)
		crowdReceive(t, a, pattern(10, 0), 0, false)
		crowdReceive(t, b, pattern(100, 1), 1, false)
		b.Release() // before the first
		requireDrained(t, p, false)
		a.Release()
		requireDrained(t, p, false)
		crowdReceive(t, b, pattern(70, 0), 0, false) // what others sent before counts too
		requireDrained(t, p, false)
		crowdSend(t, other, 5) // and what they send later does not
		b.Release()
		requireDrained(t, p, true)
		requireDrained(t, p, true)
		crowdReceive(t, a, pattern(5, 0), 0, false)
		p.BeginDrain()
		requireDrained(t, p, false)
		a.Release()
		requireDrained(t, p, true)
	}
}

func TestMPMCDrain_WaitsForFramesThatAreAbandonedOrClaimed(t *testing.T) {
	m := smallCrowd(14)
	p, other, c := mpmcProducer(t, m, 0), mpmcProducer(t, m, 1), mpmcConsumer(t, m, 2)
	crowdClaim(t, other, 200, 1) // behind padding
	p.BeginDrain()
	requireDrained(t, p, false)
	crowdEmpty(t, c)
	require.EqualValues(t, protocol.WordFree, wordOf(m, 14).State(), "the padding is skipped")
	requireDrained(t, p, false)
	require.Equal(t, Done, other.Abort())
	requireDrained(t, p, false)
	crowdEmpty(t, c)
	requireDrained(t, p, true)
}

func TestMPMCDrain_WaitsForOrphans(t *testing.T) {
	m := smallCrowd(0)
	p, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 2)
	crowdSend(t, p, 300)
	crowdReceive(t, c, pattern(300, 0), 0, false)
	recoverCrowd(t, m, 2, Recovered{Orphaned: 1})
	p.BeginDrain()
	requireDrained(t, p, false)
	c = mpmcConsumer(t, m, 2)
	crowdReceive(t, c, pattern(300, 0), 0, true)
	requireDrained(t, p, false)
	c.Release()
	requireDrained(t, p, true)
}

func TestMPMCDrain_WaitsForTheLastOfABatch(t *testing.T) {
	m, p, c := crowdPair(t, 0)
	crowdBatch(t, p, 1, 2)
	p.BeginDrain()
	crowdReceive(t, c, pattern(1, 0), 7, false)
	c.Release()
	requireDrained(t, p, false)
	crowdReceive(t, c, pattern(2, 1), 7, false)
	requireDrained(t, p, false)
	c.Release()
	requireDrained(t, p, true)
	requireFree(t, m, 1, 17)
}

// A drain takes its time. Meanwhile others go on, for many laps if it comes to that.
func TestMPMCDrain_EndsThoughOthersGoOn(t *testing.T) {
	for _, gone := range []uint64{1, 2, 1000} {
		m := smallCrowd(positionAtLap(1<<32-2, 3))
		idle, p, c := mpmcProducer(t, m, 0), mpmcProducer(t, m, 1), mpmcConsumer(t, m, 2)
		crowdSend(t, p, 500, 200)
		idle.BeginDrain()
		requireDrained(t, idle, false)
		for range 2 {
			_, _, o := c.Next()
			require.Equal(t, Done, o)
		}
		c.Release()
		for range gone * fewGranules {
			crowdSend(t, p, 1)
			crowdReceive(t, c, pattern(1, 0), 0, false)
		}
		requireDrained(t, idle, true)
		idle.BeginDrain() // where the others are by now
		requireDrained(t, idle, false)
		c.Release()
		requireDrained(t, idle, true)
	}
}
