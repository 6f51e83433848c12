package contest

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/trial"
)

// In the mode first, a contestant that had all its memory made beforehand would be timed for pages that one message does not touch.
func TestMemory_IsThereBeforehandExceptInTheModeFirst(t *testing.T) {
	for _, mode := range []string{trial.First, trial.Throughput} {
		j := trial.Job{Mode: mode, Size: 64}
		const n = 1024
		f, err := newMemory(j, n*slotStride(j.Size))
		require.NoError(t, err)
		s, err := mapSlots(f, j, n)
		require.NoError(t, err)
		info, err := f.Stat()
		require.NoError(t, err)
		bytes := int(info.Sys().(*syscall.Stat_t).Blocks) * 512
		if mode == trial.First {
			require.Zero(t, bytes)
		} else {
			require.GreaterOrEqual(t, bytes, n*slotStride(j.Size))
		}
		require.NoError(t, s.close())
		require.NoError(t, f.Close())
	}
}
