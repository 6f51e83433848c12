package suite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

// script is a contestant: a shell script that gets the mode, the size and the count.
func script(t *testing.T, name, text string) Contestant {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700))
	return Contestant{Name: name, Command: []string{path}}
}

const sound = `case $1 in
thr) echo "x thr msgs_per_s=100000 cpu_ns_per_msg=20";;
rtt) [ -n "$SAMPLES" ] && printf '\350\003\0\0\0\0\0\0\320\007\0\0\0\0\0\0' > $SAMPLES; echo "x rtt p50_ns=1 mean_ns=1500";;
load) echo "x load rate=5000 p50_ns=7";;
*) echo "mode $1 is none of mine" >&2; exit 3;;
esac`

func plan(modes ...string) Plan {
	return Plan{Name: "test", Sizes: []int{64}, Rounds: 3, Each: 10 * time.Millisecond, Modes: modes}
}

func trials(r *result.Report, name string, k func(result.Key) bool) (found []result.Trial) {
	for _, t := range r.Trials {
		if t.Contestant == name && k(t.Key) {
			found = append(found, t)
		}
	}
	return found
}

func anyKey(result.Key) bool { return true }

func TestRun_PairsContestantsRoundByRound(t *testing.T) {
	s := Settings{Plan: plan(result.Throughput, result.RoundTrip, result.Load, result.First), Catalogue: []Contestant{script(t, "a", sound), script(t, "b", sound)}, Seed: 7}
	r, err := Run(t.Context(), s)
	require.NoError(t, err)
	require.True(t, r.Complete)
	require.Len(t, r.Rounds, 3)
	for _, name := range []string{"a", "b"} {
		thr := trials(r, name, func(k result.Key) bool { return k == result.Key{Mode: result.Throughput, Wait: result.Busy, Size: 64} })
		require.Len(t, thr, 3)
		for round, v := range thr {
			require.Equal(t, round, v.Round)
			require.EqualValues(t, 100000, v.Values[result.MessagesPerSecond])
		}
		rtt := trials(r, name, func(k result.Key) bool { return k.Mode == result.RoundTrip && k.Wait == result.Block })
		require.Len(t, rtt, 3)
		require.InDelta(t, 1000, rtt[0].Values[result.P50], 2, "from the samples")
		require.InDelta(t, 2000, rtt[0].Values[result.Max], 3)
		require.NotEmpty(t, rtt[0].Histogram)
		require.EqualValues(t, 7, trials(r, name, func(k result.Key) bool { return k.Mode == result.Load })[0].Values[result.P50])
		first := trials(r, name, func(k result.Key) bool { return k.Mode == result.First })
		require.Contains(t, first[0].Skipped, "none of mine")
	}
	require.InDelta(t, 1, r.Ratio("a", "b", result.Key{Mode: result.Throughput, Wait: result.Busy, Size: 64}, result.MessagesPerSecond, result.All).Median, 1e-9)
}

func TestRun_TellsWhatWentWrong(t *testing.T) {
	bad := map[string]struct{ script, want string }{
		"crashes": {`echo "it broke" >&2; exit 7`, "it broke"},
		"garbage": {`echo hello`, "no figures"},
		"silent":  {`exit 0`, "no figures"},
		"lacks":   {`echo "x thr other=1"`, "printed no msgs_per_s"},
		"mute":    {`exit 1`, "exit status 1"},
	}
	var all []Contestant
	for name, b := range bad {
		all = append(all, script(t, name, b.script))
	}
	all = append(all, script(t, "sound", sound), Contestant{Name: "absent", Command: []string{"/nowhere"}, Absent: "not built: wants x"})
	r, err := Run(t.Context(), Settings{Plan: plan(result.Throughput), Catalogue: append(all, script(t, "speechless", `exit 3`)), Limit: time.Minute})
	require.NoError(t, err)
	for name, b := range bad {
		found := trials(r, name, anyKey)
		require.NotEmpty(t, found, name)
		require.Contains(t, found[0].Error, b.want, name)
	}
	require.Empty(t, trials(r, "sound", anyKey)[0].Error)
	require.Equal(t, []result.Absent{{Contestant: "absent", Why: "not built: wants x"}}, r.Absent)
	require.Empty(t, trials(r, "absent", anyKey))
	require.Equal(t, "it did not say why", trials(r, "speechless", anyKey)[0].Skipped)
}

// It is killed once, takes no further part, and the run is not called clean: what it used is in nobody's account.
func TestRun_LeavesOutWhoHangs(t *testing.T) {
	calls := filepath.Join(t.TempDir(), "calls")
	late := fmt.Sprintf("echo >> %s; [ $(wc -l < %s) -lt 10 ] || exec sleep 1000\n%s", calls, calls, sound)
	s := Settings{Plan: plan(result.Throughput, result.RoundTrip), Limit: 3 * time.Second,
		Catalogue: []Contestant{script(t, "late", late), script(t, "at once", `sleep 1000 & sleep 1000`), script(t, "sound", sound)}}
	r, err := Run(t.Context(), s)
	require.NoError(t, err)
	for _, name := range []string{"late", "at once"} {
		killed, left := 0, 0
		for _, trial := range trials(r, name, anyKey) {
			switch {
			case strings.Contains(trial.Error, "ended after"):
				killed++
			case strings.Contains(trial.Error, "left out, because it hung in"):
				left++
			}
		}
		require.Equal(t, 1, killed, name)
		require.Positive(t, left, name)
	}
	require.Contains(t, strings.Join(r.Dirt, "; "), "a program hung and was killed")
	for _, trial := range trials(r, "sound", anyKey) {
		require.Empty(t, trial.Error)
	}
}

// A fixed number of messages would take longer than the limit, and who is merely slow would be called hung.
func TestRun_MovesFewMessagesWhereTheyAreLarge(t *testing.T) {
	counts := filepath.Join(t.TempDir(), "counts")
	slow := fmt.Sprintf("echo $3 >> %s\necho x thr msgs_per_s=1 rate=1 mean_ns=1000000000 p50_ns=1", counts)
	p := plan(result.Throughput, result.RoundTrip, result.Load, result.Syscalls)
	p.Sizes = []int{16 << 20}
	r, err := Run(t.Context(), Settings{Plan: p, Catalogue: []Contestant{script(t, "slow", slow)}})
	require.NoError(t, err)
	require.NotEmpty(t, r.Trials)
	b, err := os.ReadFile(counts)
	require.NoError(t, err)
	for _, text := range strings.Fields(string(b)) {
		n, err := strconv.Atoi(text)
		require.NoError(t, err)
		require.LessOrEqual(t, n, timesLonger*4, "of 16 MiB each")
		require.GreaterOrEqual(t, n, 2)
	}
}

func TestRun_KillsWhateverAHangingContestantStarted(t *testing.T) {
	note := filepath.Join(t.TempDir(), "pid")
	c := script(t, "hangs", fmt.Sprintf("sleep 1000 & echo $! > %s; wait", note))
	_, err := run(t.Context(), 3*time.Second, nil, c.Command...)
	require.ErrorContains(t, err, "ended after")
	b, err := os.ReadFile(note)
	require.NoError(t, err)
	var pid int
	_, err = fmt.Sscan(string(b), &pid)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		return err != nil || strings.Contains(string(stat), ") Z ")
	}, 30*time.Second, time.Millisecond)
}

func TestRun_KeepsWhatItHasWhenItIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	p := &counting{stop: 12, cancel: cancel}
	r, err := Run(ctx, Settings{Plan: plan(result.Throughput, result.RoundTrip), Catalogue: []Contestant{script(t, "a", sound)}, Progress: p})
	require.NoError(t, err)
	require.False(t, r.Complete)
	require.NotEmpty(t, r.Trials)
	require.NoError(t, r.Write(filepath.Join(t.TempDir(), "r.json")))
}

// counting cancels after some steps.
type counting struct {
	n, stop int
	cancel  func()
}

func (c *counting) Begin(int)  {}
func (c *counting) Say(string) {}
func (c *counting) End()       {}
func (c *counting) Step(string) {
	if c.n++; c.n == c.stop {
		c.cancel()
	}
}

func TestRun_RefusesAPlanForNobody(t *testing.T) {
	p := plan(result.Throughput)
	p.Contestants = []string{"nobody"}
	_, err := Run(t.Context(), Settings{Plan: p, Catalogue: []Contestant{script(t, "a", sound)}})
	require.ErrorIs(t, err, ErrNobody)
	require.ErrorContains(t, err, "nobody")
	_, err = Run(t.Context(), Settings{Plan: plan(result.Throughput), Catalogue: []Contestant{{Name: "a", Absent: "why"}}})
	require.ErrorIs(t, err, ErrNobody)
}

func TestSyscalls_AreTheDifferenceOfTwoRuns(t *testing.T) {
	if straceProgram() == "" {
		t.Skip("no strace")
	}
	// A shell makes about one call a turn of this loop, whatever it makes besides.
	c := script(t, "loops", `i=0; while [ $i -lt $3 ]; do umask > /dev/null; i=$((i+1)); done; echo "x thr msgs_per_s=1"`)
	r := &runner{plan: plan(result.Syscalls), limit: time.Minute, work: t.TempDir(), strace: straceProgram()}
	k := result.Key{Mode: result.Syscalls, Wait: result.Busy, Size: 64}
	seat := r.try(t.Context(), k, &c)
	require.GreaterOrEqual(t, seat.count, 1000, "of fewer, chance would be a large part")
	seat.count = 200 // a shell makes what it makes
	v := r.trial(t.Context(), k, seat)
	if strings.Contains(v.Error, "ptrace") {
		t.Skip(v.Error)
	}
	require.Empty(t, v.Error)
	got := v.Values[result.SyscallsPerMessage]
	require.Equal(t, math.Trunc(got), got, "the same in each turn")
	require.Positive(t, got)
}

func TestCatalogue_NamesEverybodyAndWhySomeAreAbsent(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "zmq.absent"), []byte("not built: install libzmq3-dev\n"), 0o600))
	all := Catalogue("/self", Verbs{"one", "many"}, Dirs{C: dir, Peers: dir})
	byName := map[string]Contestant{}
	for _, c := range all {
		if _, twice := byName[c.Name]; !twice {
			byName[c.Name] = c
		}
	}
	for _, name := range []string{
		"shmpipe-posix", "shmpipe-sysv", "shmpipe-memfd", "shmpipe-mpmc-posix", "shmpipe-posix-mq", "shmpipe-sysv-mq", "posix-mq", "sysv-mq", "pipe", "fifo",
		"unix-stream", "unix-seqpacket", "unix-dgram", "tcp", "go-chan", "mutex", "posixsem", "sysv-sem", "mq-token", "pingpong", "ring", "boostmq", "zmq", "nng",
		"dpdkring", "shmipc", "gvisor-pipe", "gvisor-flipcall", "mangos", "grpc", "many-one-segment", "many-segments", "vyukov",
	} {
		require.Contains(t, byName, name)
	}
	require.Equal(t, "not built: install libzmq3-dev", byName["zmq"].Absent)
	require.Contains(t, byName["grpc"].Absent, "make bench-build")
	require.Empty(t, byName["pipe"].Absent)
	require.Equal(t, []string{"/self", "one", "pipe"}, byName["pipe"].Command)
}

func TestStaleObjects_OfTheDeadAreRemoved(t *testing.T) {
	dir := t.TempDir()
	dead := exec.Command("true")
	require.NoError(t, dead.Run())
	gone := filepath.Join(dir, fmt.Sprintf("shmpipe.shmpipe-bench-%d-1", dead.Process.Pid))
	ours := filepath.Join(dir, fmt.Sprintf("shmpipe-bench-%d-1", os.Getpid()))
	other := filepath.Join(dir, "something-else")
	for _, path := range []string{gone, ours, other} {
		require.NoError(t, os.WriteFile(path, nil, 0o600))
	}
	require.Equal(t, 1, clearStale(func() []stale { return inFolder(dir) }))
	require.NoFileExists(t, gone)
	require.FileExists(t, ours)
	require.FileExists(t, other)
	for name, want := range map[string]int{
		"shmpipe-bench-12-x": 12, "shmpipe.shmpipe-bench-7": 7, "shmpipe-sysv.shmpipe-bench-7-1.lock": 7, "shmpipe-bench-9": 9, "shmpipe-bench-": 0, "other-7": 0, "shmpipe-bench-x": 0,
		"results-of-shmpipe-bench-2026-11": 0, "shmpipe-bench-20261123-figures": 0, "shmpipe-bench-7x": 0,
	} {
		pid, ok := pidOf(name)
		require.Equal(t, want > 0, ok, name)
		if ok {
			require.Equal(t, want, pid)
		}
	}
}

func TestCannot_IsTheLastLineOnStandardError(t *testing.T) {
	c := script(t, "c", `echo first >&2; echo "the reason" >&2; exit 3`)
	_, err := run(t.Context(), time.Minute, nil, c.Command...)
	var why cannot
	require.True(t, errors.As(err, &why))
	require.Equal(t, "the reason", why.why)
}

func TestStraceTotal_IsFoundUnderItsHeading(t *testing.T) {
	for text, want := range map[string]float64{
		"% time     seconds  usecs/call     calls    errors syscall\n------ ----------- ----------- --------- --------- ----------------\n100.00    0.000123           1      1234        56 total\n": 1234,
		"% time     seconds  usecs/call     calls    errors syscall\n100.00    0.000123                  1234        56 total\n":                                                                      1234,
		"% time     seconds  usecs/call     calls    errors syscall\n100.00    0.000123           1      1234           total\n":                                                                      1234,
	} {
		got, err := straceTotal(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := straceTotal("nothing")
	require.Error(t, err)
	_, err = values("x thr msgs_per_s=inf cpu_ns_per_msg=nan")
	require.Error(t, err)
}
