package suite

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

func TestValues_RefusesWhatCannotBeMeasured(t *testing.T) {
	for _, line := range []string{"x thr msgs_per_s=-1", "x thr msgs_per_s=5 cpu_ns_per_msg=nan", "x thr msgs_per_s=inf", "x thr msgs_per_s=1e999", "x thr"} {
		_, err := values(line)
		require.Error(t, err, line)
	}
	v, err := values("x thr msgs_per_s=5 note=none cpu_ns_per_msg=0")
	require.NoError(t, err)
	require.Equal(t, map[string]float64{"msgs_per_s": 5, "cpu_ns_per_msg": 0}, v)
}

func TestRun_CallsANegativeFigureAFailure(t *testing.T) {
	r, err := Run(t.Context(), Settings{Plan: plan(result.Throughput), Catalogue: []Contestant{script(t, "negative", `echo "x thr msgs_per_s=-5"`)}})
	require.NoError(t, err)
	require.Contains(t, r.Trials[0].Error, `"msgs_per_s=-5", want a number of 0 to 1e+18`)
}

func TestSyscalls_AHangIsRememberedToo(t *testing.T) {
	if straceProgram() == "" {
		t.Skip("no strace")
	}
	c := script(t, "hangs", "sleep 1000")
	r := &runner{plan: plan(result.Syscalls), limit: 500 * time.Millisecond, work: t.TempDir(), strace: straceProgram()}
	k := result.Key{Mode: result.Syscalls, Wait: result.Busy, Size: 64}
	v := r.trial(context.Background(), k, r.try(t.Context(), k, &c))
	require.NotEmpty(t, v.Error)
	require.ErrorContains(t, r.outOfPlay(&c), "it hung in sys 64 B busy and was killed")
}
