package suite

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/internal/host"
	"shmpipe/bench/result"
)

// withFloor is a runner whose pingpong is a script; without one if it is empty.
func withFloor(t *testing.T, cpus int, text string) *runner {
	t.Helper()
	dir := t.TempDir()
	if text != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "pingpong"), []byte("#!/bin/sh\n"+text+"\n"), 0o700))
	}
	r := &runner{limit: 10 * time.Second, report: &result.Report{Host: result.Host{CPUs: cpus}}}
	r.chooseFloor(Dirs{C: dir})
	return r
}

func TestFloor_IsThatOfTheProgramInC(t *testing.T) {
	r := withFloor(t, 2, "echo c-pingpong floor rtt_ns=123.5")
	require.Equal(t, 123.5, r.floor(t.Context()))
	require.Equal(t, "C", r.report.Host.FloorBy)
	r = withFloor(t, 1, "echo c-pingpong floor rtt_ns=123.5")
	require.Zero(t, r.floor(t.Context()), "one CPU has none")
	require.Empty(t, r.report.Host.FloorBy)
}

func TestFloor_IsMeasuredInGoIfThereIsNoProgram(t *testing.T) {
	if len(host.Allowed()) < 2 {
		t.Skip("one CPU")
	}
	r := withFloor(t, 2, "")
	require.Positive(t, r.floor(t.Context()))
	require.Equal(t, "Go", r.report.Host.FloorBy)
	r = withFloor(t, 2, "echo it broke >&2; exit 1")
	require.Positive(t, r.floor(t.Context()))
	require.Contains(t, r.report.Host.FloorBy, "Go, since the program in C failed: exit status 1: it broke")
	require.Empty(t, r.pingpong, "it is not asked again")
}

func TestFloor_DoesNotWaitTwiceForWhatHangs(t *testing.T) {
	r := withFloor(t, 2, "sleep 1000")
	r.limit = 50 * time.Millisecond
	r.floor(t.Context())
	require.True(t, r.hung)
	require.Empty(t, r.pingpong)
}
