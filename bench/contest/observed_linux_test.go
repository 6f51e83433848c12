package contest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
)

// lines are a small trial of each mode.
var lines = map[string][]string{
	trial.Throughput: {"thr 64 3000", "thr 64 3001 16", "thr 8 1000", "thr 5000 200 3"},
	trial.RoundTrip:  {"rtt 64 200", "rtt 5000 50"},
	trial.Load:       {"load 64 200 20000"},
	trial.Idle:       {"idle 0 30"},
	trial.First:      {"first 64 1"},
	trial.Channels:   {"chan 64 1000 7", "chan 64 3 7", "chan 64 500 1"},
}

func TestContestants_RunEveryMode(t *testing.T) {
	for _, name := range Names() {
		for _, mode := range Modes(name) {
			require.NotEmpty(t, lines[mode])
			for _, line := range lines[mode] {
				for _, wait := range []string{trial.Busy, trial.Block} {
					t.Run(name+" "+line+" "+wait, func(t *testing.T) {
						o := start(t, []string{"WAIT=" + wait}, append([]string{name}, strings.Fields(line)...)...).end(t)
						require.Equal(t, 0, o.status)
						require.Empty(t, o.err)
						require.True(t, strings.HasPrefix(o.out, name+" "+mode+" "), o.out)
						require.Empty(t, o.left)
					})
				}
			}
		}
	}
}

// Messages as large as a ring takes, streams that must be put together from pieces, and what does not go.
func TestContestants_TakeLargeMessagesOrSayWhyNot(t *testing.T) {
	for _, name := range Names() {
		if Modes(name)[0] == trial.Channels {
			continue
		}
		for _, c := range []struct{ size, capacity int }{{300_000, 1 << 20}, {65_536, 1 << 20}, {3 << 20, 1 << 20}} {
			t.Run(fmt.Sprint(name, " ", c.size), func(t *testing.T) {
				env := []string{"CAP=" + strconv.Itoa(c.capacity)}
				o := start(t, env, name, "thr", strconv.Itoa(c.size), "20").end(t)
				require.Empty(t, o.left)
				if limit := Limits(name); limit > 0 && c.size > limit {
					require.Equal(t, 3, o.status)
					require.Contains(t, o.err, strconv.Itoa(limit), "it names the limit")
					return
				}
				if o.status == 3 {
					require.Contains(t, o.err, strconv.Itoa(c.size))
					require.Greater(t, 2*c.size, c.capacity, "only what does not fit may be refused")
					return
				}
				require.Equal(t, 0, o.status)
			})
		}
	}
}

func TestContestants_RefuseModesThatTheyHaveNot(t *testing.T) {
	for name, line := range map[string]string{"pipe": "chan 64 100 2", "many-segments": "thr 64 100", "go-chan": "chan 64 100 2"} {
		o := start(t, nil, append([]string{name}, strings.Fields(line)...)...).end(t)
		require.Equal(t, 3, o.status)
		require.Contains(t, o.err, "has no mode")
	}
	o := start(t, nil, "many-one-segment", "chan", "64", "100", "1000000").end(t)
	require.Equal(t, 3, o.status)
}

func TestManyChannels_RefuseMessagesThatTheirRingsCannotCarry(t *testing.T) {
	for _, name := range []string{"many-one-segment", "many-segments"} {
		o := start(t, []string{"CAP=65536"}, name, "chan", "65536", "100", "2").end(t)
		require.Equal(t, 3, o.status, name)
		require.Contains(t, o.err, "messages of 65536 bytes: a ring of 65536 bytes takes up to 32760", name)
	}
}

// children are the processes that a process has started.
func children(pid int) (all []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is good
	for _, list := range lists {
		b, err := os.ReadFile(list)
		if err != nil {
			continue // the thread has ended
		}
		for _, f := range strings.Fields(string(b)) {
			if n, err := strconv.Atoi(f); err == nil {
				all = append(all, n)
			}
		}
	}
	return all
}

// A signal at any time leaves nothing behind: here, at a time when everything is there, or before.
func TestContestants_LeaveNothingAfterASignal(t *testing.T) {
	for _, name := range Names() {
		if Modes(name)[0] == trial.Channels {
			continue
		}
		for _, delay := range []time.Duration{0, 100 * time.Millisecond} {
			t.Run(fmt.Sprint(name, " ", delay), func(t *testing.T) {
				o := start(t, []string{"WAIT=block"}, name, "idle", "0", "600000")
				var program, second []int
				_, single := contestants[name].Transport.(trial.Single)
				require.Eventually(t, func() bool {
					program = children(o.Process.Pid)
					if len(program) > 0 {
						second = children(program[0])
					}
					return len(program) > 0 && (single || len(second) > 0)
				}, 30*time.Second, time.Millisecond)
				time.Sleep(delay)
				require.NoError(t, o.Process.Signal(unix.SIGTERM))
				r := o.end(t)
				require.NotEqual(t, 0, r.status)
				require.Empty(t, r.left)
				for _, pid := range second {
					require.Eventually(t, func() bool { return unix.Kill(pid, 0) != nil }, 30*time.Second, time.Millisecond)
				}
			})
		}
	}
}

func TestPOSIXQueues_HaveNoName(t *testing.T) {
	const name = "shmpipe-test-queue"
	for range 2 { // the second time, a name that was left would be in the way
		fd, err := makeQueue(name, 1, 8)
		if err == unix.ENOSYS {
			t.Skip("no POSIX message queues here")
		}
		require.NoError(t, err)
		require.NoError(t, unix.Close(fd))
	}
}

func TestSlots_RejectAPeersLengths(t *testing.T) {
	s := slots{make([]byte, 128), 128}
	s.put(0, []byte("hello"))
	msg, err := s.get(0)
	require.NoError(t, err)
	require.Equal(t, "hello", string(msg))
	for i := range 8 {
		s.mem[i] = 0xff
	}
	_, err = s.get(0)
	require.ErrorContains(t, err, "length")
}
