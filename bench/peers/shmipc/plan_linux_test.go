package shmipc

import (
	"testing"

	shmipc "github.com/cloudwego/shmipc-go"
	"github.com/stretchr/testify/require"

	"shmpipe/bench/trial"
)

// everyPlan calls fn with many jobs and their plans, where there is one.
func everyPlan(t *testing.T, fn func(j trial.Job, p plan)) {
	var none, some int
	for _, mode := range []string{trial.Throughput, trial.RoundTrip} {
		for _, capacity := range []int{1, 1 << 20, 4 << 20, 5<<20 + 77, 1 << 30} {
			for _, batch := range []int{0, 1, 2, 16, 1000, 100_000} {
				for size := 8; size < 100<<20; size = size*2 + size%7 - 1 {
					j := trial.Job{Mode: mode, Size: size, Capacity: capacity, Extra: batch}
					p, err := newPlan(j)
					if err != nil {
						require.ErrorAs(t, err, new(trial.Cannot))
						none++
						continue
					}
					some++
					fn(j, p)
				}
			}
		}
	}
	require.NotZero(t, none)
	require.NotZero(t, some)
}

func TestPlan_IsAConfigurationThatTheLibraryTakes(t *testing.T) {
	everyPlan(t, func(j trial.Job, p plan) {
		c := shmipc.DefaultConfig()
		p.shape(c)
		require.NoError(t, shmipc.VerifyConfig(c), "%+v: %+v", j, p)
		require.Greater(t, p.slice, replySlice)
		require.GreaterOrEqual(t, p.slice, p.perSlice*(prefix+j.Size), "%+v: %+v", j, p)
	})
}

func TestPlan_HasMemoryForAllThatIsUnderWay(t *testing.T) {
	everyPlan(t, func(j trial.Job, p plan) {
		slicesPerFlush := (p.perFlush + p.perSlice - 1) / p.perSlice
		flushes := p.window / p.perFlush
		require.GreaterOrEqual(t, flushes, 1, "%+v: %+v", j, p)
		require.LessOrEqual(t, flushes, windowMost, "%+v: %+v", j, p)
		require.Less(t, (flushes*slicesPerFlush+1)*(p.slice+sliceHead), p.memory, "%+v: %+v", j, p)
	})
}

func TestPlan_LetsTheSenderGoOnWhateverTheReceiverHasNotAnswered(t *testing.T) {
	everyPlan(t, func(j trial.Job, p plan) {
		require.GreaterOrEqual(t, p.reply, 1, "%+v: %+v", j, p)
		require.GreaterOrEqual(t, p.window-(p.reply-1), p.perFlush, "%+v: %+v", j, p)
	})
}
