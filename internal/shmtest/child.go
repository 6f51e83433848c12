package shmtest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// RoleVariable tells a child process what it is to do.
const RoleVariable = "SHMPIPE_TEST_ROLE"

// Role is what a child process does. It talks to the test with [Say] and [Hear].
type Role func(args []string) error

var heard = make(chan string, 64)

// runRole is the main function of a child. No child outlives its parent, who holds the other end of standard input.
func runRole(role Role, args []string) int {
	go func() {
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			heard <- in.Text()
		}
		os.Exit(9)
	}()
	if err := role(args); err != nil {
		fmt.Fprintln(os.Stderr, os.Getenv(RoleVariable)+":", err)
		return 1
	}
	return 0
}

// Say writes a line to the test, from a child.
func Say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// Hear waits for a line from the test, in a child.
func Hear() string { return <-heard }

// Process is a child: this test binary in another process.
type Process struct {
	*exec.Cmd
	t      testing.TB
	in     io.WriteCloser
	out    *bufio.Reader
	reaped bool
	err    error
}

// Child starts a child with a role. It is killed when the test ends.
func Child(t testing.TB, role string, args ...string) *Process {
	t.Helper()
	return Start(t, Command(t, role, args...))
}

// Command is a child that has not been started: its environment, files or command line may be changed before [Start].
func Command(t testing.TB, role string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatalf("path of the test binary: %v", err)
	}
	cmd := exec.Command(self, args...)
	// The race detector has a process wait for a second before it ends, to no purpose here.
	cmd.Env = append(os.Environ(), RoleVariable+"="+role, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.Stderr = os.Stderr
	return cmd
}

// Start starts a child.
func Start(t testing.TB, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{Cmd: cmd, t: t}
	out, err := cmd.StdoutPipe()
	if err == nil {
		p.out = bufio.NewReader(out)
		p.in, err = cmd.StdinPipe()
	}
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("start child: %v", err)
	}
	t.Cleanup(p.Kill)
	return p
}

// Line waits for the child's next line.
func (p *Process) Line() string {
	p.t.Helper()
	type result struct {
		line string
		err  error
	}
	c := make(chan result, 1)
	go func() {
		s, err := p.out.ReadString('\n')
		c <- result{s, err}
	}()
	select {
	case r := <-c:
		if r.err != nil {
			p.t.Fatalf("child said %q and ended: %v", r.line, r.err)
		}
		return strings.TrimSpace(r.line)
	case <-time.After(2 * Patience):
		p.Kill()
		p.t.Fatalf("child said nothing for %v", 2*Patience)
		return ""
	}
}

// Expect waits for a line and fails if it is another one.
func (p *Process) Expect(line string) {
	p.t.Helper()
	if got := p.Line(); got != line {
		p.t.Fatalf("child said %q, want %q", got, line)
	}
}

// Tell sends the child a line.
func (p *Process) Tell(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatalf("tell child %q: %v", line, err)
	}
}

// Signal sends a signal.
func (p *Process) Signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(s); err != nil {
		p.t.Fatalf("send %v to child: %v", s, err)
	}
}

// Stop stops the child and waits until each of its threads has stopped: the signal only begins that.
func (p *Process) Stop() {
	p.t.Helper()
	p.Signal(syscall.SIGSTOP)
	Eventually(p.t, "all threads of the child to be stopped", func() bool {
		files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.Process.Pid))
		if err != nil || len(files) == 0 {
			p.t.Fatalf("threads of the child: %v", err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err == nil && !strings.HasPrefix(string(b[bytes.LastIndexByte(b, ')')+1:]), " T ") {
				return false // one that is gone does not run either
			}
		}
		return true
	})
}

// Kill kills the child with SIGKILL, if it lives, and reaps it.
func (p *Process) Kill() {
	if !p.reaped {
		p.reaped = true
		_ = p.Process.Kill() // it may have ended by itself
		p.err = p.Cmd.Wait()
	}
}

// Wait waits for the child's end and fails the test unless it went well.
func (p *Process) Wait() {
	p.t.Helper()
	if p.reaped {
		return
	}
	p.reaped = true
	hung := time.AfterFunc(3*Patience, func() { _ = p.Process.Signal(syscall.SIGQUIT) }) // it prints its stacks
	defer hung.Stop()
	if p.err = p.Cmd.Wait(); p.err != nil {
		var exit *exec.ExitError
		errors.As(p.err, &exit)
		p.t.Fatalf("child: %v", p.err)
	}
}
