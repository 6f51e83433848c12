package ring

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// LetDrain promises nothing but to end and to change nothing, whatever the ring looks like.
func TestMPMCLetDrain_EndsAndChangesNothing(t *testing.T) {
	for at := range uint64(fewGranules) {
		m := smallCrowd(positionAtLap(1<<32-1, at))
		p, c := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1)
		p.LetDrain() // nothing to wait for
		sent := 0
		for p.Send(pattern(1, byte(sent)), 0) == Done {
			sent++
		}
		require.Equal(t, fewGranules, sent)
		before := append([]byte(nil), m.Control...)
		p.LetDrain() // nobody drains
		require.Equal(t, before, m.Control)
		require.Equal(t, Full, p.AwaitRoom(1, 1))
		for i := range sent {
			b, _, o := c.Next()
			require.Equal(t, Done, o)
			require.Equal(t, pattern(1, byte(i)), b)
			p.LetDrain()
		}
		c.Release()
		require.Equal(t, Done, p.AwaitRoom(1, 1))
		require.Equal(t, Done, p.Send(nil, 0))
	}
}

func TestMPMCLetDrain_IsShortIfNobodyDrains(t *testing.T) {
	m := smallCrowd(0)
	p := mpmcProducer(t, m, 0)
	for p.Send(nil, 0) == Done {
	}
	start := time.Now()
	const times = 1000
	for range times {
		p.LetDrain()
	}
	// Some ten microseconds each on an idle machine. The limit only tells them from a wait for a consumer, which would be for ever.
	require.Less(t, time.Since(start), times*10*time.Millisecond)
}
