package contest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// observerVariable has this test binary be an observer.
const observerVariable = "SHMPIPE_TEST_OBSERVER"

// init comes before TestMain, which is for the program that is observed.
func init() {
	if os.Getenv(observerVariable) != "" {
		os.Exit(observe())
	}
	// With the race detector, each process sleeps for a second at its end, and there are hundreds.
	if err := os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0")); err != nil {
		panic(err)
	}
}

// observe runs a program of trials and then says, in the last line of its output, how many System V objects there are. It runs in an IPC
// namespace of its own, so that nobody else's are among them. A SIGTERM is passed on to the program.
func observe() int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM)
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), observerVariable+"=", contestantVariable+"=1")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	_ = cmd.Wait() // the status says it
	objects := 0
	for _, kind := range []string{"msg", "sem", "shm"} {
		b, err := os.ReadFile("/proc/sysvipc/" + kind)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		objects += bytes.Count(b, []byte("\n")) - 1 // a heading
	}
	fmt.Printf("\nobjects=%d pid=%d\n", objects, cmd.Process.Pid)
	return cmd.ProcessState.ExitCode()
}

// outcome is how a program ended.
type outcome struct {
	out, err string
	status   int
	left     []string // what it left behind
}

// observer is a program under observation, with a folder of its own for its files.
type observer struct {
	*exec.Cmd
	folder   string
	out, err bytes.Buffer
}

func start(t *testing.T, env []string, args ...string) *observer {
	self, err := os.Executable()
	require.NoError(t, err)
	o := &observer{Cmd: exec.Command(self, args...), folder: t.TempDir()}
	o.Env = append(os.Environ(), observerVariable+"=1", "WAIT=", "CAP=1048576", "SAMPLES=", "UNPINNED=", "TMPDIR="+o.folder)
	o.Env = append(o.Env, env...)
	o.Stdout, o.Stderr = &o.out, &o.err
	o.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWIPC, Pdeathsig: syscall.SIGKILL}
	if err := o.Start(); err != nil {
		t.Skipf("a namespace for System V objects: %v", err)
	}
	watchdog := time.AfterFunc(2*time.Minute, func() { _ = o.Process.Kill() })
	t.Cleanup(func() {
		watchdog.Stop()
		_ = o.Process.Kill()
		_ = o.Wait()
	})
	return o
}

func (o *observer) end(t *testing.T) outcome {
	_ = o.Wait() // the status says it
	out, last, ok := strings.Cut(o.out.String(), "\nobjects=")
	require.True(t, ok, "the observer ended early: %s%s", o.out.String(), o.err.String())
	r := outcome{out: out, err: o.err.String(), status: o.ProcessState.ExitCode()}
	var objects, pid int
	_, err := fmt.Sscanf(last, "%d pid=%d", &objects, &pid)
	require.NoError(t, err)
	if objects > 0 {
		r.left = append(r.left, fmt.Sprintf("%d System V objects", objects))
	}
	own := regexp.MustCompile(fmt.Sprintf(`shmpipe-bench-%d(\D|$)`, pid))
	for _, folder := range []string{"/dev/shm", o.folder} {
		entries, err := os.ReadDir(folder)
		require.NoError(t, err)
		for _, e := range entries {
			if folder == o.folder || own.MatchString(e.Name()) {
				r.left = append(r.left, e.Name())
			}
		}
	}
	t.Logf("%v: status %d\n%s%s", o.Args[1:], r.status, r.out, r.err)
	return r
}
