package trial

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// trialVariable makes this test binary a program of trials: its value is how long a trial may hang.
const trialVariable = "SHMPIPE_TEST_TRIAL"

func TestMain(m *testing.M) {
	if limit := os.Getenv(trialVariable); limit != "" {
		d, err := time.ParseDuration(limit)
		if err != nil {
			panic(err)
		}
		grace = d
		os.Exit(Main(os.Args[1:], findTest))
	}
	// With the race detector, each process sleeps for a second at its end, and there are many.
	if err := os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0")); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// outcome is how a program ended.
type outcome struct {
	out, err string
	status   int
}

// command is a program of trials, with a folder of its own for its files.
func command(t *testing.T, limit time.Duration, args ...string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), trialVariable+"="+limit.String(), "WAIT=", "CAP=", "SAMPLES=", "UNPINNED=", "TMPDIR="+t.TempDir())
	return cmd
}

// folderOf is the folder that command gave a program.
func folderOf(cmd *exec.Cmd) string {
	for _, v := range slices.Backward(cmd.Env) {
		if folder, ok := strings.CutPrefix(v, "TMPDIR="); ok {
			return folder
		}
	}
	return ""
}

func run(t *testing.T, cmd *exec.Cmd) outcome {
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	require.NoError(t, cmd.Start())
	watchdog := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer watchdog.Stop()
	_ = cmd.Wait() // the status says it
	o := outcome{out.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	t.Logf("%v: status %d\n%s%s", cmd.Args[1:], o.status, o.out, o.err)
	return o
}

// keys parses a line of results.
func (o outcome) keys(t *testing.T, name, mode string) map[string]float64 {
	fields := strings.Fields(o.out)
	require.GreaterOrEqual(t, len(fields), 2)
	require.Equal(t, []string{name, mode}, fields[:2])
	require.Equal(t, 1, strings.Count(o.out, "\n"), "one line")
	values := map[string]float64{}
	for _, f := range fields[2:] {
		key, text, ok := strings.Cut(f, "=")
		require.True(t, ok, f)
		var v float64
		_, err := fmt.Sscan(text, &v)
		require.NoError(t, err, f)
		values[key] = v
	}
	return values
}
