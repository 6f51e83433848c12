package futex

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCancel_EndsASleep(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		g, cancel, done := heapGate(), new(Cancel), make(chan error, 2)
		for range 2 {
			go func() { done <- g.Sleep(g.Prepare(), 0, cancel) }()
		}
		eventually(t, "sleepers", func() bool { return load(g.waiting) == 1 })
		time.Sleep(20 * time.Millisecond) // let them fall asleep; either way they must end
		cancel.Set()
		for range 2 {
			require.NoError(t, requireWithin(t, done, "sleep"))
		}
		require.True(t, cancel.IsSet())
		require.Zero(t, load(g.sequence), "peers notice nothing")
		require.NoError(t, g.Sleep(g.Prepare(), 0, cancel), "it stays set")
		cancel.Reset()
		require.False(t, cancel.IsSet())
		require.Equal(t, os.ErrDeadlineExceeded, g.Sleep(g.Prepare(), 1, cancel))
	})
}

func TestCancel_FollowsAContext(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(context.Background())
		cancel := new(Cancel)
		context.AfterFunc(ctx, cancel.Set)
		g, done := heapGate(), make(chan error, 1)
		go func() { done <- g.Sleep(g.Prepare(), 0, cancel) }()
		stop()
		require.NoError(t, requireWithin(t, done, "sleep"))
		require.ErrorIs(t, ctx.Err(), context.Canceled)
	})
}

func TestCancel_OfNilIsNeverSet(t *testing.T) {
	var cancel *Cancel
	cancel.Set()
	cancel.Reset()
	require.False(t, cancel.IsSet())
}
