package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/trial"
)

// programVariable makes the test binary behave as the program, in both of a trial's processes.
const programVariable = "SHMPIPE_PEERS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(programVariable) != "" {
		os.Exit(run(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// program is a trial to be started.
type program struct {
	*exec.Cmd
	out, errs bytes.Buffer
	folder    string // its $TMPDIR
}

// newProgram makes one, and checks at the end of the test that it left nothing behind. A socket's path must be short, as t.TempDir's is not.
func newProgram(t *testing.T, env []string, args ...string) *program {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	folder, err := os.MkdirTemp("", "shmpipe-test-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	p := &program{Cmd: exec.CommandContext(ctx, self, args...), folder: folder}
	// The race detector would make each process wait for a second at its end.
	p.Env = append(append(os.Environ(), programVariable+"=1", "TMPDIR="+folder, "GORACE=atexit_sleep_ms=0"), env...)
	p.Stdout, p.Stderr = &p.out, &p.errs
	return p
}

func (p *program) requireNothingLeft(t *testing.T) {
	t.Helper()
	for _, pattern := range []string{filepath.Join(p.folder, "*"), fmt.Sprintf("/dev/shm/*shmpipe-bench-%d*", p.Process.Pid), "/dev/shm/shmipc*"} {
		left, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

// requireResult runs the program, which must print one line with keys, and returns it.
func (p *program) requireResult(t *testing.T, keys ...string) string {
	t.Helper()
	require.NoError(t, p.Run(), "standard error: %s", &p.errs)
	require.Empty(t, p.errs.String())
	want := "^" + strings.Join(p.Args[1:3], " ")
	for _, k := range keys {
		want += " " + k + `=[0-9.]+`
	}
	require.Regexp(t, regexp.MustCompile(want+"\n$"), p.out.String())
	p.requireNothingLeft(t)
	return p.out.String()
}

// requireCannot runs the program, which must say that it cannot do this.
func (p *program) requireCannot(t *testing.T) {
	t.Helper()
	err := p.Run()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 3, exit.ExitCode(), "standard error: %s", &p.errs)
	require.Empty(t, p.out.String())
	require.Contains(t, p.errs.String(), p.Args[1]+": ")
	p.requireNothingLeft(t)
}

func TestPeers_CarryMessagesInEveryModeAndSize(t *testing.T) {
	for _, c := range contestants {
		for _, size := range []string{"8", "64", "4096", "65536"} {
			t.Run(c.name+"/"+size, func(t *testing.T) {
				newProgram(t, nil, c.name, "thr", size, "999").requireResult(t, "msgs_per_s", "cpu_ns_per_msg")
				newProgram(t, nil, c.name, "thr", size, "999", "16").requireResult(t, "msgs_per_s", "cpu_ns_per_msg")
				newProgram(t, nil, c.name, "rtt", size, "99").requireResult(t, "p50_ns", "p99_ns", "mean_ns", "cpu_ns_per_msg")
				newProgram(t, nil, c.name, "load", size, "99", "2000").requireResult(t, "rate", "p50_ns", "p99_ns", "cpu_ns_per_msg")
				newProgram(t, nil, c.name, "first", size, "1").requireResult(t, "first_ns")
			})
		}
		t.Run(c.name+"/idle", func(t *testing.T) {
			newProgram(t, nil, c.name, "idle", "0", "100").requireResult(t, "cpu_us")
		})
	}
}

func TestPeers_CarrySizesThatAreNoMultipleOfAnything(t *testing.T) {
	for _, c := range contestants {
		t.Run(c.name, func(t *testing.T) {
			newProgram(t, nil, c.name, "thr", "1021", "5003", "7").requireResult(t, "msgs_per_s", "cpu_ns_per_msg")
			newProgram(t, nil, c.name, "rtt", "1021", "99").requireResult(t, "p50_ns", "p99_ns", "mean_ns", "cpu_ns_per_msg")
		})
	}
}

// More goes through than any buffer holds, and messages are larger than any limit that is set by default.
func TestPeers_CarryMoreThanTheirBuffersHold(t *testing.T) {
	for _, c := range contestants {
		t.Run(c.name, func(t *testing.T) {
			newProgram(t, []string{"CAP=1048576"}, c.name, "thr", "64", "60000").requireResult(t, "msgs_per_s", "cpu_ns_per_msg")
			newProgram(t, []string{"CAP=33554432"}, c.name, "thr", "5000000", "40", "3").requireResult(t, "msgs_per_s", "cpu_ns_per_msg")
			newProgram(t, []string{"CAP=33554432"}, c.name, "rtt", "5000000", "9").requireResult(t, "p50_ns", "p99_ns", "mean_ns", "cpu_ns_per_msg")
		})
	}
}

func TestPeers_SleepIfTheyCan(t *testing.T) {
	for _, c := range contestants {
		t.Run(c.name, func(t *testing.T) {
			thr := newProgram(t, []string{"WAIT=block"}, c.name, "thr", "64", "999")
			idle := newProgram(t, []string{"WAIT=block"}, c.name, "idle", "0", "200")
			if strings.HasPrefix(c.name, "gvisor-pipe") {
				thr.requireCannot(t)
				idle.requireCannot(t)
				return
			}
			thr.requireResult(t, "msgs_per_s", "cpu_ns_per_msg")
			var used float64
			_, err := fmt.Sscanf(idle.requireResult(t, "cpu_us"), c.name+" idle cpu_us=%g", &used)
			require.NoError(t, err)
			require.Less(t, used, 500_000.0, "microseconds of a second")
		})
	}
}

func TestPeers_SayWhatDoesNotFit(t *testing.T) {
	for _, name := range []string{"gvisor-pipe", "gvisor-pipe-64", "shmipc"} {
		for _, mode := range []string{"thr", "rtt"} {
			t.Run(name+"/"+mode, func(t *testing.T) { newProgram(t, nil, name, mode, "4194304", "10").requireCannot(t) })
		}
	}
	t.Run("gvisor-flipcall", func(t *testing.T) {
		newProgram(t, nil, "gvisor-flipcall", "thr", "5000000000", "10").requireCannot(t)
	})
}

func TestPeers_WriteASampleForEachRoundTrip(t *testing.T) {
	for _, c := range contestants {
		t.Run(c.name, func(t *testing.T) {
			samples := filepath.Join(t.TempDir(), "samples")
			newProgram(t, []string{"SAMPLES=" + samples}, c.name, "rtt", "64", "50").requireResult(t, "p50_ns", "p99_ns", "mean_ns", "cpu_ns_per_msg")
			info, err := os.Stat(samples)
			require.NoError(t, err)
			require.EqualValues(t, 50*8, info.Size())
		})
	}
}

func TestPeers_LeaveNothingBehindIfTheyAreEnded(t *testing.T) {
	for _, c := range contestants {
		t.Run(c.name, func(t *testing.T) {
			p := newProgram(t, nil, c.name, "idle", "0", "60000")
			require.NoError(t, p.Start())
			// Two processes: the other one has been started, and what is under way is being made or waited for.
			require.Eventually(t, func() bool {
				children, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.Process.Pid))
				for _, path := range children {
					if text, _ := os.ReadFile(path); len(text) > 0 {
						return true
					}
				}
				return false
			}, 20*time.Second, 5*time.Millisecond)
			require.NoError(t, p.Process.Signal(syscall.SIGTERM))
			require.Error(t, p.Wait())
			p.requireNothingLeft(t)
		})
	}
}

func TestFind_KnowsWhatListNames(t *testing.T) {
	p := newProgram(t, nil, "list")
	require.NoError(t, p.Run())
	names := strings.Fields(p.out.String())
	require.ElementsMatch(t, []string{"gvisor-pipe", "gvisor-pipe-64", "gvisor-flipcall", "shmipc", "mangos", "grpc"}, names)
	for _, name := range names {
		found, ok := find(name)
		require.True(t, ok)
		require.ElementsMatch(t, []string{trial.Throughput, trial.RoundTrip, trial.Load, trial.Idle, trial.First}, trial.Modes(found))
	}
	_, ok := find("nobody")
	require.False(t, ok)
}

func TestPeersWithGoroutines_AreGivenTheProcessor(t *testing.T) {
	for name, want := range map[string]bool{"grpc": true, "mangos": true, "shmipc": true, "gvisor-pipe": false, "gvisor-flipcall": false} {
		found, ok := find(name)
		require.True(t, ok, name)
		_, crowded := found.(trial.Crowded)
		require.Equal(t, want, crowded, name)
	}
}
