package futex

import (
	"errors"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func heapGate() Gate { return NewGate(new(uint32), new(uint32)) }

// awaitAsleep returns when n sleepers are in the kernel. It wakes them without touching the sequence, so they go back.
func awaitAsleep(t *testing.T, g Gate, n int) {
	t.Helper()
	eventually(t, "sleepers at the gate", func() bool {
		woken, err := Wake(g.sequence, n)
		require.NoError(t, err)
		return woken == n
	})
}

func TestGate_WakesASleeper(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		for _, cancel := range []*Cancel{nil, new(Cancel)} {
			g, done := heapGate(), make(chan error, 1)
			go func() { done <- g.Sleep(g.Prepare(), 0, cancel) }()
			awaitAsleep(t, g, 1)
			require.True(t, g.Wake())
			require.NoError(t, requireWithin(t, done, "sleep"))
		}
	})
}

func TestGate_WakesAllSleepers(t *testing.T) {
	const n = 4
	g, done := heapGate(), make(chan error, n)
	for range n {
		go func() { done <- g.Sleep(g.Prepare(), 0, nil) }()
	}
	awaitAsleep(t, g, n)
	time.Sleep(20 * time.Millisecond) // back to sleep, most likely: the test is stronger for it, but passes without
	require.True(t, g.Wake())
	for range n {
		require.NoError(t, requireWithin(t, done, "sleep"))
	}
}

func TestGate_BroadcastWakesAlsoWithoutTheFlag(t *testing.T) {
	g, done := heapGate(), make(chan error, 1)
	go func() { done <- g.Sleep(g.Prepare(), 0, nil) }()
	awaitAsleep(t, g, 1)
	store(g.waiting, 0) // as a waker leaves it that was killed before it counted
	require.False(t, g.Wake())
	g.Broadcast()
	require.NoError(t, requireWithin(t, done, "sleep"))
}

func TestGate_WakeWithNobodyWaitingMakesNoSystemCall(t *testing.T) {
	g := heapGate()
	for range 3 {
		require.False(t, g.Wake())
	}
	require.Zero(t, load(g.sequence), "each wake counts, and a system call comes with each count")

	g.Prepare()
	require.True(t, g.Wake(), "a sleeper announced itself")
	require.False(t, g.Wake(), "the waker cleared the flag")
	require.EqualValues(t, 1, load(g.sequence))
}

func TestGate_SleepReturnsAtOnceAfterAWakeInBetween(t *testing.T) {
	g := heapGate()
	for _, cancel := range []*Cancel{nil, new(Cancel)} {
		seq := g.Prepare()
		require.True(t, g.Wake())
		require.NoError(t, g.Sleep(seq, 0, cancel))
		require.NoError(t, g.Sleep(seq, 1, cancel), "the wake is worth more than the deadline")
	}
}

func TestGate_SleepEndsAtTheDeadline(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		g := heapGate()
		for _, cancel := range []*Cancel{nil, new(Cancel)} {
			for _, d := range []time.Duration{-time.Hour, 30 * time.Millisecond} {
				deadline := in(d)
				require.Equal(t, os.ErrDeadlineExceeded, g.Sleep(g.Prepare(), deadline, cancel))
				require.GreaterOrEqual(t, Now(), deadline-int64(100*time.Microsecond))
			}
		}
	})
}

func TestGate_TakesAnyValueOfItsWords(t *testing.T) {
	for _, v := range []uint32{0, 1, 2, 1 << 31, ^uint32(0)} {
		g := heapGate()
		store(g.waiting, v)
		store(g.sequence, v)
		require.Equal(t, v&sleeping != 0, g.Wake())
		seq := g.Prepare()
		require.Equal(t, os.ErrDeadlineExceeded, g.Sleep(seq, 1, nil))
		g.Broadcast()
		require.NoError(t, g.Sleep(seq, 0, nil))
	}
}

func TestGate_StrictStaysAndStillCostsNoWakeWhenNobodySleeps(t *testing.T) {
	g := heapGate()
	g.Strict()
	require.False(t, g.Wake())
	seq := g.Prepare()
	require.True(t, g.Wake())
	require.NoError(t, g.Sleep(seq, 0, nil))
	require.False(t, g.Wake())
	g.Prepare()
	g.Broadcast()
	require.Equal(t, strict|sleeping, load(g.waiting), "a broadcast takes nobody's flag")
}

// sleepForEver is killed in its sleep.
func sleepForEver(b *board) error {
	g := b.pingGate()
	_ = g.Sleep(g.Prepare(), 0, nil)
	return errors.New("woken")
}

func TestGate_AKilledSleeperCostsOneNeedlessWake(t *testing.T) {
	b, path := newBoard(t)
	c := startChild(t, "sleeper", path, 0)
	g := b.pingGate()
	awaitAsleep(t, g, 1)
	require.NoError(t, c.cmd.Process.Kill())
	require.Error(t, requireWithin(t, c.exited, "child"))
	require.True(t, g.Wake(), "it left its flag up")
	require.False(t, g.Wake())
}
