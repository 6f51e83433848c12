package contest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/trial"
)

// contestantVariable has this test binary be a contestant. Its children inherit it, so none of them runs tests.
const contestantVariable = "SHMPIPE_TEST_CONTESTANT"

func TestMain(m *testing.M) {
	if os.Getenv(contestantVariable) != "" {
		os.Exit(trial.Main(os.Args[1:], Find))
	}
	os.Exit(m.Run())
}

// run runs a contestant and returns what it printed, and its status.
func run(t testing.TB, env []string, args ...string) (out, said string, status int) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(append(os.Environ(), contestantVariable+"=1", "TMPDIR="+t.TempDir()), env...)
	cmd.WaitDelay = time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	hung := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer hung.Stop()
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return stdout.String(), stderr.String(), exit.ExitCode()
	}
	require.NoError(t, err)
	return stdout.String(), stderr.String(), 0
}

func TestEveryContestant_RunsEveryModeOfItsOwn(t *testing.T) {
	lines := map[string]string{
		trial.Throughput: "thr 64 3000", trial.RoundTrip: "rtt 64 100", trial.Load: "load 64 300 20000", trial.Idle: "idle 0 5", trial.First: "first 64 1",
		"chan": "chan 64 2000 4",
	}
	for _, name := range Names() {
		t.Run(name, func(t *testing.T) {
			require.NotEmpty(t, Describe(name))
			for _, mode := range Modes(name) {
				for _, wait := range []string{"busy", "block"} {
					args := append([]string{name}, strings.Fields(lines[mode])...)
					out, said, status := run(t, []string{"WAIT=" + wait}, args...)
					if status == 3 { // such as no POSIX queues
						require.NotEmpty(t, said)
						continue
					}
					require.Zero(t, status, "%v: %s", args, said)
					require.True(t, strings.HasPrefix(out, name+" "+mode+" "), out)
				}
			}
		})
	}
}

func TestSizesBeyondALimit_AreSaidWithTheReason(t *testing.T) {
	for _, name := range []string{"posix-mq", "sysv-mq", "unix-dgram"} {
		_, said, status := run(t, nil, name, "thr", "33554432", "10")
		require.Equal(t, 3, status, name)
		require.NotEmpty(t, said)
	}
	_, said, status := run(t, nil, "nobody", "thr", "64", "10")
	require.NotZero(t, status)
	require.Contains(t, said, "nobody")
}

// BenchmarkThroughput and the round trips are for comparing two states of this repository: make bench-compare.
func BenchmarkThroughput(b *testing.B) {
	for _, name := range []string{"shmpipe-memfd", "shmpipe-mpmc-memfd"} {
		for _, size := range []string{"8", "64", "1024"} {
			b.Run(name+"/"+size, func(b *testing.B) { figure(b, "busy", "msgs_per_s", "msgs/s", name, "thr", size, "2000000") })
		}
	}
}

func BenchmarkRoundTrip(b *testing.B) {
	for _, name := range []string{"shmpipe-memfd", "shmpipe-mpmc-memfd"} {
		b.Run(name+"/64", func(b *testing.B) { figure(b, "busy", "p50_ns", "p50-ns", name, "rtt", "64", "50000") })
	}
}

// BenchmarkBlockingRoundTrip tells what a sleep and a wake cost.
func BenchmarkBlockingRoundTrip(b *testing.B) {
	for _, name := range []string{"shmpipe-memfd", "shmpipe-mpmc-memfd"} {
		b.Run(name+"/64", func(b *testing.B) { figure(b, "block", "mean_ns", "mean-ns", name, "rtt", "64", "3000") })
		b.Run(name+"/64/cpu", func(b *testing.B) { figure(b, "block", "cpu_ns_per_msg", "cpu-ns", name, "rtt", "64", "3000") })
	}
}

// figure reports a figure of a trial, once for each iteration: a trial has messages enough of its own.
func figure(b *testing.B, wait, key, unit string, args ...string) {
	var sum float64
	n := 0
	for range min(b.N, 3) {
		out, said, status := run(b, []string{"WAIT=" + wait}, args...)
		if status != 0 {
			b.Fatalf("%v: %s", args, said)
		}
		for _, f := range strings.Fields(out) {
			if v, ok := strings.CutPrefix(f, key+"="); ok {
				var x float64
				_, err := fmt.Sscan(v, &x)
				require.NoError(b, err)
				sum += x
				n++
			}
		}
	}
	b.ReportMetric(sum/float64(max(n, 1)), unit)
	b.ReportMetric(0, "ns/op")
}
