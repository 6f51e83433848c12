package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func TestGlance_FindsWhatIsPublishedAndChangesNothing(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	require.False(t, c.Glance())
	p.Put(pattern(8, 0), 0)
	require.False(t, c.Glance(), "it is not published")
	p.Publish()
	send(t, p, 8)
	before := append([]byte(nil), m.Control...)
	require.True(t, c.Glance())
	require.True(t, c.Glance(), "it is there still")
	require.Equal(t, before, m.Control)
	receive(t, c, pattern(8, 0), 0)
	require.True(t, c.Glance(), "one is left")
	receive(t, c, pattern(8, 0), 0)
	require.False(t, c.Glance())
	require.True(t, c.Held(), "what is in hand stays there")
}

// At the end of the data, where the lines that it fetches lie outside of it.
func TestGlance_FindsAMessageBehindTheEndOfTheData(t *testing.T) {
	m := memoryAt(small, small-24)
	p, c := newProducer(t, m), newConsumer(t, m)
	send(t, p, 16)
	receive(t, c, pattern(16, 0), 0)
	require.False(t, c.Glance())
	send(t, p, 100)
	require.True(t, c.Glance())
	receive(t, c, pattern(100, 0), 0)
}

func TestGlance_LeavesABadTailToNext(t *testing.T) {
	m, _, c := newRing(t, small, start)
	store(m, protocol.OffTail, start+4)
	require.False(t, c.Glance())
	_, _, o := c.Next()
	requireBroken(t, m, o, c.Err(), "tail")
}

// What gather decides must not depend on whether a message was found by a look or a glance, only it is told a bit later.
func TestGlance_TellsGatherBeforeTheNextLook(t *testing.T) {
	const size = 1 << 20 // large enough to gather
	m := newMemory(size)
	p, c := newProducer(t, m), newConsumer(t, m)
	for _, look := range []func(){func() { c.Glance() }, func() { c.Look(0, false) }} {
		looks := c.gather.looks
		send(t, p, 8)
		require.True(t, c.Glance())
		require.Equal(t, looks, c.gather.looks)
		receive(t, c, pattern(8, 0), 0)
		look()
		require.Equal(t, looks+1, c.gather.looks)
		look()
		require.Equal(t, looks+1, c.gather.looks, "once")
	}
}

func TestGlance_LeavesMessagesToGather(t *testing.T) {
	m := newMemory(1 << 20)
	p, c := newProducer(t, m), newConsumer(t, m)
	c.gather.pauses = 1
	send(t, p, 8)
	require.False(t, c.Glance())
	require.Equal(t, Done, c.Look(1, true))
}
