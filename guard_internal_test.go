package shmpipe

import (
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/fence"
)

// A method that got in is one that Close waits for. The window of the race that the barrier closes is some nanoseconds wide, so a
// method here does nothing but look whether the memory is gone, millions of times.
func TestGuard_NobodyIsInsideWhenTheMemoryGoes(t *testing.T) {
	if runtime.GOMAXPROCS(0) < 2 {
		t.Skip("needs two processors")
	}
	rounds := 20_000
	if testing.Short() {
		rounds = 2_000
	}
	fence.Prepare()
	for range rounds {
		var g guard
		var gone, ready atomic.Bool
		g.detach = func() error {
			gone.Store(true)
			return nil
		}
		violated := make(chan bool)
		go func() {
			bad := false
			for g.enter() {
				ready.Store(true)
				for range 8 {
					bad = bad || gone.Load()
				}
				g.leave()
			}
			_ = g.turnAway()
			violated <- bad
		}()
		for !ready.Load() {
			runtime.Gosched()
		}
		require.NoError(t, g.close(func() {}))
		require.True(t, gone.Load())
		require.False(t, <-violated, "a method ran after the memory was gone")
	}
}

func TestGuard_LeavesTheRestToWhoeverEndsTheLoan(t *testing.T) {
	fence.Prepare()
	var g guard
	detached := 0
	g.detach = func() error { detached++; return nil }
	require.True(t, g.enter())
	g.lend()
	require.NoError(t, g.close(func() {}))
	require.NoError(t, g.close(func() {}))
	require.Zero(t, detached)
	g.leave()
	require.Equal(t, 1, detached)
	require.False(t, g.enter())
	require.Equal(t, ErrClosed, g.turnAway())
	require.NoError(t, g.close(func() {}))
	require.Equal(t, 1, detached)
}

func TestGuard_NoticesConcurrentUseEachTimeAndLeavesTheOtherAlone(t *testing.T) {
	var g guard
	g.detach = func() error { return nil }
	require.True(t, g.enter())
	for range 3 {
		require.False(t, g.enter())
		require.Panics(t, func() { _ = g.turnAway() })
	}
	g.leave()
	require.True(t, g.enter(), "the one that was in has left")
	g.leave()
	fence.Prepare()
	require.NoError(t, g.close(func() {}))
}
