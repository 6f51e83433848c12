package ring

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// A ring is used before its process takes part in barriers; once it does, the fence is no longer paid for.
func TestAProducer_IsFencedUntilItNeedNotBe(t *testing.T) {
	registered := false
	m := newMemory(small)
	m.Unfence = func() bool { return registered }
	p, err := NewProducer(m, true)
	require.NoError(t, err)
	c, err := NewConsumer(m, func() {})
	require.NoError(t, err)
	lap := func() {
		for range 2 * small / 64 {
			send(t, p, 56)
			receive(t, c, pattern(56, 0), 0)
			c.Release()
		}
	}
	lap()
	require.True(t, p.fenced)
	registered = true
	lap()
	require.False(t, p.fenced)

	m.Unfence = nil
	p, err = NewProducer(m, true)
	require.NoError(t, err)
	lap()
	require.True(t, p.fenced, "nobody says otherwise")
}

func TestACrowd_IsFencedUntilItNeedNotBe(t *testing.T) {
	registered := false
	m := smallCrowd(0)
	m.Fenced, m.Unfence = true, func() bool { return registered }
	p, err := NewMPMCProducer(m, 0)
	require.NoError(t, err)
	c, err := NewMPMCConsumer(m, 1, func() {})
	require.NoError(t, err)
	lap := func() {
		for range 2 * len(m.Data) / int(m.Granule) {
			require.Equal(t, Done, p.Send([]byte("x"), 0))
			_, _, o := c.Next()
			require.Equal(t, Done, o)
			c.Release()
		}
	}
	lap()
	require.True(t, p.mem.Fenced)
	require.True(t, c.mem.Fenced)
	registered = true
	lap()
	require.False(t, p.mem.Fenced)
	require.False(t, c.mem.Fenced)
}
