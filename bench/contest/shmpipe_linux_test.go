package contest

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/bench/trial"
)

// What it costs to wait for nothing is asked of the way of waiting that gave the round trips: bench/README.md says which that is.
func TestShmpipe_WaitsInVainAsItWaitsForAnAnswer(t *testing.T) {
	for wait, want := range map[string]map[string]shmpipe.WaitStrategy{
		trial.Busy: {
			trial.Throughput: shmpipe.WaitAdaptive, trial.RoundTrip: shmpipe.WaitSpin, trial.Load: shmpipe.WaitSpin,
			trial.Idle: shmpipe.WaitSpin, trial.First: shmpipe.WaitSpin,
		},
		trial.Block: {
			trial.Throughput: shmpipe.WaitBlock, trial.RoundTrip: shmpipe.WaitBlock, trial.Load: shmpipe.WaitBlock,
			trial.Idle: shmpipe.WaitBlock, trial.First: shmpipe.WaitBlock,
		},
	} {
		for mode, strategy := range want {
			o := shm{}.options(trial.Job{Mode: mode, Wait: wait})
			require.Equal(t, strategy, o.Wait, "%s %s", wait, mode)
			require.Equal(t, mode != trial.First, o.Prefault, mode)
		}
	}
	for _, mode := range []string{trial.RoundTrip, trial.Idle} {
		h := &fallbackHandle{job: trial.Job{Mode: mode, Wait: trial.Busy}}
		require.Equal(t, shmpipe.WaitAdaptive, h.options().Wait)
		h.job.Wait = trial.Block
		require.Equal(t, shmpipe.WaitBlock, h.options().Wait)
	}
}

func TestContestantsWithGoroutines_AreGivenTheProcessor(t *testing.T) {
	for _, name := range Names() {
		found, ok := Find(name)
		require.True(t, ok)
		_, crowded := found.(trial.Crowded)
		require.Equal(t, name == "go-chan", crowded, name)
	}
}
