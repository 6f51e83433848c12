package crowd

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// call calls Main in this process, and returns the status, standard output, and the last line of standard error.
func call(args ...string) (int, string, string) {
	var stdout, stderr bytes.Buffer
	status := Main(subcommand, args, &stdout, &stderr)
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	return status, stdout.String(), lines[len(lines)-1]
}

func TestMain_PrintsOneLineForARun(t *testing.T) {
	for _, name := range append([]string{"mpmc", "vyukov-yield"}, kernelQueues...) {
		status, out, why := call("-ring", "65536", name, "2x2", "64", "500")
		require.Equal(t, statusDone, status, why)
		require.Regexp(t, `^`+name+` 2x2 .*msgs_per_s=[0-9]+ cpu_ns_per_msg=[0-9.]+\n$`, out)
		require.Empty(t, why)
	}
	requireNoChildren(t)
}

func TestMain_TellsWhatCannotBeFromMistakesAndFailures(t *testing.T) {
	for args, want := range map[string]struct {
		status int
		why    string
	}{
		"spsc 2x1 64 10":                   {statusCannot, "spsc has one producer and one consumer, not 2x1"},
		"mpmc 1x1 7 10":                    {statusCannot, "size is 7, want a multiple of 8"},
		"-ring 4096 mpmc 1x1 65536 10":     {statusCannot, "a ring of 4096 bytes takes 2040 at most"},
		"pipe 2x2 8192 10":                 {statusCannot, "the limit is PIPE_BUF"},
		"posix-mq 1x1 33554432 10":         {statusCannot, "msgsize_max"},
		"sysv-mq 1x1 33554432 10":          {statusCannot, "msgmax"},
		"x 1x1 64 10":                      {statusUsage, `contestant is "x", want one of`},
		"mpmc 1 64 10":                     {statusUsage, `shape is "1", want producers x consumers`},
		"mpmc 1x1 64 ten":                  {statusUsage, `argument "ten": want a number`},
		"mpmc 1x1 64":                      {statusUsage, "got 3 arguments, want a contestant"},
		"":                                 {statusUsage, "got 0 arguments, want a contestant"},
		"-no mpmc 1x1 64 10":               {statusUsage, "flag provided but not defined: -no"},
		"-wait x mpmc 1x1 64 10":           {statusUsage, `wait strategy is "x"`},
		"compare -shapes x":                {statusUsage, `shape is "x"`},
		"compare -contests x":              {statusUsage, `contestant is "x"`},
		"compare -no":                      {statusUsage, "flag provided but not defined: -no"},
		"test-failing 1x1 64 10":           {statusFailed, "out of order"},
		"-limit 200ms test-stuck 1x1 64 9": {statusFailed, "not done after 200ms: killed"},
	} {
		status, out, why := call(strings.Fields(args)...)
		require.Equal(t, want.status, status, "%s: %s", args, why)
		require.Contains(t, why, want.why, args)
		require.Empty(t, out, args)
	}
	status, _, _ := call("-h")
	require.Equal(t, statusDone, status)
	requireNoChildren(t)
}

func TestMain_TakesDefaultsFromTheEnvironment(t *testing.T) {
	t.Setenv("CAP", "65536")
	t.Setenv("WAIT", "block")
	t.Setenv("UNPINNED", "1")
	status, out, why := call("mpmc", "2x2", "64", "500")
	require.Equal(t, statusDone, status, why)
	require.Contains(t, out, " ring=65536 wait=block ")
	status, out, why = call("-ring", "131072", "-wait", "adaptive", "mpmc", "1x1", "64", "500")
	require.Equal(t, statusDone, status, why)
	require.Contains(t, out, " ring=131072 wait=adaptive ", "flags go first")
	t.Setenv("WAIT", "busy")
	_, out, _ = call("mpmc", "1x1", "64", "500")
	require.Contains(t, out, " wait=adaptive ")

	t.Setenv("CAP", "much")
	status, _, why = call("mpmc", "1x1", "64", "500")
	require.Equal(t, statusUsage, status)
	require.Contains(t, why, `CAP is "much"`)
	t.Setenv("CAP", "")
	t.Setenv("WAIT", "patiently")
	status, _, why = call("mpmc", "1x1", "64", "500")
	require.Equal(t, statusUsage, status)
	require.Contains(t, why, `WAIT is "patiently", want busy or block`)
}

func TestMain_ComparesContestantsThatCanAndNamesThoseThatCannot(t *testing.T) {
	status, out, why := call("compare", "-contests", "vyukov-yield,pipe,unix-dgram", "-base", "vyukov-yield", "-shapes", "1x1", "-sizes", "64,8192",
		"-rounds", "1", "-messages", "1000", "-ring", "65536")
	require.Equal(t, statusDone, status, why)
	// In one table, or in two if the processors moved between the sizes.
	require.Regexp(t, `(?m)^\| \| 1x1, 64 B \|`, out)
	require.Regexp(t, `(?m)^\| \|.* 1x1, 8192 B \|$`, out)
	require.Contains(t, out, "| unix-dgram | **")
	require.Contains(t, out, "- round 0: pipe 1x1: message of 8192 bytes: ")
}

func TestNames_AreAllDescribed(t *testing.T) {
	require.Subset(t, Names(), append([]string{"mpmc", "mpmc-batch", "vyukov", "spsc"}, kernelQueues...))
	require.IsIncreasing(t, Names())
	for _, name := range Names() {
		require.NotEmpty(t, Describe(name), name)
		require.NotContains(t, Describe(name), "\n", name)
	}
	require.Equal(t, "", Describe("x"))
	require.Equal(t, "shmpipe, mpmc, granules of 64 bytes, words shifted by 3, batches of 16", Describe("mpmc-batch-64-3"))
}

func TestMain_LeavesNothingWhenItIsKilledOrInterrupted(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT} {
		for _, name := range []string{"sysv-mq", "posix-mq", "mpmc"} {
			var stderr bytes.Buffer
			cmd := exec.Command("/proc/self/exe", append(subcommand, "-ring", "65536", "-limit", "10m", name, "2x2", "64", "1000000000000")...)
			cmd.Stderr = &stderr
			require.NoError(t, cmd.Start())
			t.Cleanup(func() { _ = cmd.Process.Kill() }) // if it was not waited for
			pid, all, queue := cmd.Process.Pid, 4, -1
			if name == "sysv-mq" {
				all++ // with the keeper
			}
			var children []int
			require.Eventually(t, func() bool {
				children = childrenOf(t, pid)
				for id, sender := range messageQueues(t) {
					for _, c := range children {
						if c == sender {
							queue = id
						}
					}
				}
				return len(children) == all && (name != "sysv-mq" || queue >= 0)
			}, enough, 5*time.Millisecond)
			require.NoError(t, cmd.Process.Signal(signal))
			err := cmd.Wait()
			if signal == syscall.SIGKILL {
				require.EqualError(t, err, "signal: killed")
			} else {
				require.EqualError(t, err, "exit status 1")
				require.Equal(t, fmt.Sprintf("crowd: %s 2x2: %v signal received\n", name, signal), stderr.String())
			}
			for _, c := range children {
				require.Eventually(t, func() bool { return gone(c) }, enough, 5*time.Millisecond, "child %d of %s", c, name)
			}
			require.NotContains(t, messageQueues(t), queue)
			files, err := filepath.Glob(fmt.Sprintf("/dev/shm/shmpipe-bench-%d-*", pid))
			require.NoError(t, err)
			require.Empty(t, files)
		}
	}
}

// childrenOf are the children of a process that have become what they are to be: each is this program, started anew.
func childrenOf(t *testing.T, pid int) []int {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	require.NoError(t, err)
	var found []int
	for _, f := range files {
		text, _ := os.ReadFile(f) // the thread may have ended
		for _, field := range strings.Fields(string(text)) {
			found = append(found, number(t, field))
		}
	}
	return found
}

// gone reports whether a process has ended; somebody may have to wait for it still.
func gone(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, after, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(after, "Z") || strings.HasPrefix(after, "X")
}
