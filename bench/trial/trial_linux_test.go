package trial

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const patient = time.Minute // how long a trial may hang that should not

func TestMain_RunsEveryMode(t *testing.T) {
	want := map[string][]string{
		"thr 64 2000":      {"msgs_per_s", "cpu_ns_per_msg"},
		"thr 64 2000 16":   {"msgs_per_s", "cpu_ns_per_msg"},
		"rtt 64 200":       {"p50_ns", "p99_ns", "mean_ns", "cpu_ns_per_msg"},
		"load 64 200 5000": {"rate", "p50_ns", "p99_ns", "cpu_ns_per_msg"},
		"idle 0 50":        {"cpu_us"},
		"first 8 1":        {"first_ns"},
	}
	for _, name := range []string{"test-plain", "test-single"} {
		for line, keys := range want {
			for _, wait := range []string{Busy, Block} {
				t.Run(name+" "+line+" "+wait, func(t *testing.T) {
					args := strings.Fields(line)
					cmd := command(t, patient, append([]string{name}, args...)...)
					cmd.Env = append(cmd.Env, "WAIT="+wait)
					o := run(t, cmd)
					require.Equal(t, 0, o.status)
					require.Empty(t, o.err)
					values := o.keys(t, name, args[0])
					require.Len(t, values, len(keys))
					for _, k := range keys {
						require.Contains(t, values, k)
						require.GreaterOrEqual(t, values[k], 0.0)
					}
				})
			}
		}
	}
}

func TestMain_TimesTheCreationOfChannels(t *testing.T) {
	o := run(t, command(t, patient, "test-channels", "chan", "64", "200", "3"))
	require.Equal(t, 0, o.status)
	values := o.keys(t, "test-channels", "chan")
	require.Greater(t, values["create_ns"], 0.0)
	require.Greater(t, values["msgs_per_s"], 0.0)
}

func TestMain_WritesEachLatency(t *testing.T) {
	for _, line := range []string{"rtt 64 300", "load 64 300 10000"} {
		path := filepath.Join(t.TempDir(), "samples")
		cmd := command(t, patient, append([]string{"test-plain"}, strings.Fields(line)...)...)
		cmd.Env = append(cmd.Env, "SAMPLES="+path)
		o := run(t, cmd)
		require.Equal(t, 0, o.status)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Len(t, b, 300*8)
		most := uint64(time.Minute)
		for i := 0; i < len(b); i += 8 {
			require.Less(t, binary.NativeEndian.Uint64(b[i:]), most)
		}
	}
}

func TestMain_NoticesDamage(t *testing.T) {
	everywhere := []string{"thr", "rtt", "load"}
	for fault, c := range map[string]struct {
		modes []string
		says  string
	}{
		"corrupts":        {everywhere, "torn"},
		"corrupts-end":    {everywhere, "torn"},
		"stale":           {everywhere, "torn"},
		"corrupts-number": {everywhere, ""},
		"reorders":        {[]string{"thr", "load"}, ""},
		"loses":           {everywhere, ""},
		"loses-last":      {everywhere, "lost"},
		"repeats":         {everywhere, ""},
		"truncates":       {everywhere, "has 199 bytes, want 200"},
		"lengthens":       {everywhere, "has 201 bytes, want 200"},
	} {
		for _, mode := range c.modes {
			t.Run(fault+" "+mode, func(t *testing.T) {
				args := []string{"test-" + fault, mode, "200", "20"}
				if mode == "load" {
					args = append(args, "10000")
				}
				o := run(t, command(t, 2*time.Second, args...))
				require.Equal(t, 1, o.status)
				require.Empty(t, o.out)
				require.Contains(t, o.err, c.says)
			})
		}
	}
}

func TestMain_EndsWithTheStatusThatTheContractSays(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"test-cannot thr 64 20", 3, "no such library"},
		{"test-cannot-open thr 64 20", 3, "the other side cannot"},
		{"test-cannot-send thr 64 20", 3, "messages are too large"},
		{"test-plain chan 64 20 2", 3, "no mode chan"},
		{"test-channels thr 64 20", 3, "no mode thr"},
		{"test-plain dance 64 20", 3, `mode "dance"`},
		{"test-create thr 64 20", 1, "creation went wrong"},
		{"test-open thr 64 20", 1, "opening went wrong"},
		{"test-send thr 64 20", 1, "sending went wrong"},
		{"test-send rtt 64 20", 1, "sending went wrong"},
		{"test-close thr 64 20", 1, "closing went wrong"},
		{"test-killed thr 64 20", 1, "signal: killed"},
		{"test-killed first 64 1", 1, "signal: killed"},
		{"test-leaves thr 64 20", 1, "ended early"},
		{"test-panics thr 64 20", 2, "panic: a bug"},
		{"nobody thr 64 20", 2, `no contestant "nobody"`},
		{"test-plain thr 7 20", 2, "SIZE is 7"},
		{"test-plain thr 64 0", 2, "COUNT is 0"},
		{"test-plain thr 64", 2, "got 3 arguments"},
		{"test-plain thr 64 x", 2, `COUNT is "x"`},
		{"test-plain load 64 20", 2, "rate"},
	} {
		t.Run(c.args, func(t *testing.T) {
			start := time.Now()
			cmd := command(t, 2*patient, strings.Fields(c.args)...)
			o := run(t, cmd)
			require.Equal(t, c.status, o.status)
			require.Empty(t, o.out)
			require.Contains(t, o.err, c.says)
			if c.status == 3 {
				lines := strings.Split(strings.TrimSpace(o.err), "\n")
				require.Contains(t, lines[len(lines)-1], c.says, "the last line says why")
			}
			require.Less(t, time.Since(start), patient, "at once, not when patience is at an end")
			requireNoFiles(t, cmd)
		})
	}
}

func TestMain_EndsIfOpeningHangs(t *testing.T) {
	cmd := command(t, time.Second, "test-open-hangs", "thr", "64", "20")
	o := run(t, cmd)
	require.Equal(t, 1, o.status)
	require.Contains(t, o.err, "nothing for 1s")
	requireNoFiles(t, cmd)
}

func requireNoFiles(t *testing.T, cmd *exec.Cmd) {
	left, err := os.ReadDir(folderOf(cmd))
	require.NoError(t, err)
	require.Empty(t, left)
}

// startIdle starts a trial that waits, in a folder of its own, and returns when its second process is there.
func startIdle(t *testing.T, name string) (cmd *exec.Cmd, second int, folder string) {
	cmd = command(t, patient, name, "idle", "0", "600000")
	folder = folderOf(cmd)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", cmd.Process.Pid))
		require.NoError(t, err)
		for _, list := range lists {
			b, err := os.ReadFile(list)
			if err == nil && len(b) > 0 {
				second, err = strconv.Atoi(strings.Fields(string(b))[0])
				require.NoError(t, err)
			}
		}
		return second != 0
	}, 30*time.Second, 5*time.Millisecond)
	return cmd, second, folder
}

// gone reports whether a process runs no more.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return strings.HasPrefix(rest, "Z") || strings.HasPrefix(rest, "X")
}

func TestMain_LeavesNoChildWhenItIsKilled(t *testing.T) {
	cmd, second, _ := startIdle(t, "test-plain")
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool { return gone(second) }, 30*time.Second, 5*time.Millisecond)
}

func TestMain_CleansUpAfterASignal(t *testing.T) {
	cmd, second, folder := startIdle(t, "test-keeps-name")
	require.Eventually(t, func() bool {
		files, err := os.ReadDir(folder)
		return err == nil && len(files) == 1
	}, 30*time.Second, 5*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(unix.SIGTERM))
	require.Error(t, cmd.Wait())
	require.Equal(t, 1, cmd.ProcessState.ExitCode())
	require.True(t, gone(second))
	files, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, files)
}
