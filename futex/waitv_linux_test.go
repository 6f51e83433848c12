package futex

import (
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestWaitAny_ReturnsAtOnceWhenAWordDiffers(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		for _, n := range []int{1, 2, onStack, onStack + 1, MaxWords} {
			words := make([]Word, n)
			for i := range words {
				words[i] = Word{Addr: new(uint32), Private: i%2 == 0}
			}
			words[n-1].Old = 1
			require.NoError(t, WaitAny(words, 0), "%d words", n)
		}
	})
}

func TestWaitAny_WakesByEachOfItsWords(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		const n = 6
		for i := range n {
			words := make([]Word, n)
			for j := range words {
				words[j] = Word{Addr: new(uint32)}
			}
			done := make(chan error, 1)
			go func() { done <- WaitAny(words, 0) }()
			atomic.StoreUint32(words[i].Addr, 1)
			_, err := Wake(words[i].Addr, 1)
			require.NoError(t, err)
			require.NoError(t, requireWithin(t, done, "wait"))
		}
	})
}

func TestWaitAny_EndsAtTheDeadline(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		words := []Word{{Addr: new(uint32)}, {Addr: new(uint32), Private: true}}
		for _, d := range []time.Duration{-time.Hour, -1, 40 * time.Millisecond} {
			deadline := in(d)
			err := error(nil)
			for err == nil {
				err = WaitAny(words, deadline)
			}
			require.Equal(t, os.ErrDeadlineExceeded, err)
			require.GreaterOrEqual(t, Now(), deadline-int64(100*time.Microsecond))
		}
		require.Equal(t, os.ErrDeadlineExceeded, WaitAny(words, -5))
	})
}

func TestWaitAny_RefusesTooFewAndTooManyWords(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		for _, n := range []int{0, MaxWords + 1} {
			err := WaitAny(make([]Word, n), 0)
			require.ErrorIs(t, err, os.ErrInvalid)
			require.ErrorContains(t, err, "want 1 to 128")
		}
	})
}

func TestHasWaitv_RemembersTheAnswer(t *testing.T) {
	before := waitvState.Swap(waitvUnknown)
	t.Cleanup(func() { waitvState.Store(before) })
	got := HasWaitv()
	require.NotEqual(t, waitvUnknown, waitvState.Load())
	require.Equal(t, got, HasWaitv())
	waitvState.Store(waitvAbsent)
	require.False(t, HasWaitv())
}
