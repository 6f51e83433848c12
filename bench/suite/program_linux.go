package suite

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"shmpipe/bench/result"
)

// cannot is why a contestant cannot do something.
type cannot struct{ why string }

func (c cannot) Error() string { return c.why }

// hung is a program that was killed at its time limit.
type hung struct{ limit time.Duration }

func (h hung) Error() string { return fmt.Sprintf("ended after %v", h.limit) }

const statusCannot = 3 // see bench/README.md

// run runs a program, which may start others, and returns the last line of what it said. After the limit, or at the end of ctx, all of them
// are killed. The error is a cannot if the program says so.
func run(ctx context.Context, limit time.Duration, env []string, argv ...string) (string, error) {
	runtime.LockOSThread() // it dies with the thread that started it
	defer runtime.UnlockOSThread()
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(bounded, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), env...)
	// A process group of its own, so that all of it can be ended.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	// First asked: a contestant then removes what has no name, which nobody could find afterwards.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	err := cmd.Run()
	if cmd.Process != nil {
		_ = killGroup(cmd.Process.Pid) // whoever is left; usually nobody
	}
	why := lastLine(said.String())
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return "", context.Cause(ctx)
	case bounded.Err() != nil:
		return "", hung{limit}
	case errors.As(err, &exit) && exit.ExitCode() == statusCannot:
		return "", cannot{cmp.Or(why, "it did not say why")}
	case err != nil && why != "":
		return "", fmt.Errorf("%w: %s", err, why)
	case err != nil:
		return "", err
	}
	return lastLine(out.String()), nil
}

// killGroup kills a process group that we made, by the pid of its first process.
func killGroup(pid int) error {
	err := syscall.Kill(-pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

func lastLine(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSpace(s[strings.LastIndexByte(s, '\n')+1:])
}

// values reads "name mode key=value …". Nothing that is measured can be negative or without end: who prints that is wrong in the rest too.
func values(line string) (map[string]float64, error) {
	found := make(map[string]float64)
	for _, f := range strings.Fields(line) {
		k, v, ok := strings.Cut(f, "=")
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(v, 64)
		if errors.Is(err, strconv.ErrSyntax) {
			continue // a word
		}
		if !(n >= 0 && n <= result.MostValue) { // so that no NaN passes
			return nil, fmt.Errorf("it printed %.80q, want a number of 0 to %g", f, float64(result.MostValue))
		}
		found[k] = n
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("it printed no figures but %.80q", line)
	}
	return found, nil
}

// primary is the value without which a trial is worth nothing.
func primary(mode string) string {
	switch mode {
	case result.Throughput, result.Crowd, result.Channels:
		return result.MessagesPerSecond
	case result.RoundTrip, result.Load:
		return result.P50
	case result.Idle:
		return result.IdleCPU
	case result.First:
		return result.FirstMessage
	}
	return result.SyscallsPerMessage
}

// environment is what all trials of a key get, whatever the user's has. Many channels share what one has otherwise.
func environment(k result.Key) []string {
	env := []string{"WAIT=" + k.Wait, "SAMPLES=", "UNPINNED=", "COPY=", "CAP=", "DAMAGE=", "CHUNK=", "PAUSES=", "PACKED=", "CREDIT="}
	if n, err := strconv.Atoi(k.Shape); k.Mode == result.Channels && err == nil {
		env = append(env, "CAP="+strconv.Itoa(max(64<<10, (16<<20)/max(n, 1))))
	}
	return env
}

// arguments are a trial's, for a contestant.
func (c *Contestant) arguments(k result.Key, count, rate int) []string {
	args := append([]string(nil), c.Command...)
	size, n := strconv.Itoa(k.Size), strconv.Itoa(count)
	switch k.Mode {
	case result.Crowd:
		return append(args, k.Shape, size, n)
	case result.Channels:
		return append(args, "chan", size, n, k.Shape)
	case result.Load:
		return append(args, "load", size, n, strconv.Itoa(rate))
	case result.Idle:
		return append(args, "idle", "0", n)
	case result.First:
		return append(args, "first", size, "1")
	case result.Throughput, result.Syscalls:
		if k.Batch > 1 {
			return append(args, "thr", size, n, strconv.Itoa(k.Batch))
		}
		return append(args, "thr", size, n)
	}
	return append(args, k.Mode, size, n)
}
