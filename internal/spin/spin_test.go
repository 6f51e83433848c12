package spin

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTicks_MovesForward(t *testing.T) {
	start := Ticks()
	limit := time.Now().Add(10 * time.Second)
	for Ticks() <= start {
		require.True(t, time.Now().Before(limit), "the counter stood still for 10 s at %d", start)
	}
}

// A busy machine can only make the wall clock's interval longer than the counter's, so the best of several tries counts.
func TestTicksPerMicrosecond_AgreesWithTheWallClock(t *testing.T) {
	got := float64(TicksPerMicrosecond())
	require.NotZero(t, got)
	require.Equal(t, TicksPerMicrosecond(), TicksPerMicrosecond())
	best, low, high := 0.0, got*0.8, got*1.2
	for range 10 {
		at, before := time.Now(), Ticks()
		time.Sleep(50 * time.Millisecond)
		after, elapsed := Ticks(), time.Since(at)
		best = float64(after-before) / float64(elapsed.Microseconds())
		if best >= low && best <= high {
			return
		}
	}
	t.Fatalf("TicksPerMicrosecond is %.0f, the wall clock says %.0f, want within 20 %%", got, best)
}

func TestPause_ReturnsForEveryCount(t *testing.T) {
	for _, n := range []uint32{0, 1, 2, 1000} {
		Pause(n)
	}
}

func TestPause_TakesLongerForMore(t *testing.T) {
	shortest := func(n uint32) uint64 {
		best := ^uint64(0)
		for range 50 {
			start := Ticks()
			Pause(n)
			best = min(best, Ticks()-start)
		}
		return best
	}
	require.Less(t, shortest(1), shortest(2000))
}

func TestHotFunctions_DoNotAllocate(t *testing.T) {
	TicksPerMicrosecond()
	require.Zero(t, testing.AllocsPerRun(100, func() {
		Pause(1)
		Ticks()
		TicksPerMicrosecond()
	}))
}
