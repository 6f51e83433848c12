package interop_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
)

// limit is how long anything may take. Nothing comes near it unless it hangs.
const limit = 30 * time.Second

// Exit codes of the C peer.
const (
	exitBusy    = 3
	exitDied    = 4
	exitClosed  = 5
	exitCorrupt = 6
	exitExists  = 7
)

const childVariable = "SHMPIPE_INTEROP_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	if err := child(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bench is what a test works with: the compiled peer, and a directory of its own for segments.
type bench struct {
	peer, dir string
	env       []string
}

func compilePeer(t *testing.T) string {
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("there is no gcc to compile the C peer with: ", err)
	}
	peer := filepath.Join(t.TempDir(), "peer")
	out, err := exec.Command(gcc, "-std=c11", "-O2", "-Wall", "-Wextra", "-Werror", "-o", peer, "peer.c").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return peer
}

func newBench(t *testing.T, peer string) *bench {
	dir, err := os.MkdirTemp("/dev/shm", "shmpipe-test-interop-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return &bench{peer: peer, dir: dir, env: []string{"PEER_DIR=" + dir}}
}

func (b *bench) options() *shmpipe.Options { return &shmpipe.Options{Dir: b.dir} }

// create makes a segment named x with a ring of 64 KiB, from Go or from C, and opens it.
func (b *bench) create(t *testing.T, creator string) *shmpipe.Pipe {
	var pipe *shmpipe.Pipe
	var err error
	if creator == "C" {
		require.Zero(t, b.start(t, "create", "x", "65536").exit(t))
		pipe, err = shmpipe.Open("x", b.options())
	} else {
		pipe, err = shmpipe.Create("x", shmpipe.Geometry{Capacity: 64 << 10}, b.options())
	}
	require.NoError(t, err)
	t.Cleanup(func() { _ = pipe.Close() })
	return pipe
}

// process is a peer or a Go child.
type process struct {
	cmd    *exec.Cmd
	lines  chan string
	stderr bytes.Buffer
}

// start runs the C peer.
func (b *bench) start(t *testing.T, args ...string) *process {
	return run(t, exec.Command(b.peer, args...), b.env...)
}

// startGo runs child.
func (b *bench) startGo(t *testing.T, role string, n int) *process {
	self, err := os.Executable()
	require.NoError(t, err)
	return run(t, exec.Command(self, role, b.dir, strconv.Itoa(n)), childVariable+"=1")
}

func run(t *testing.T, cmd *exec.Cmd, env ...string) *process {
	p := &process{cmd: cmd, lines: make(chan string, 1000)}
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = &p.stderr
	_, err := cmd.StdinPipe() // held open for as long as the test runs
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	})
	go func() {
		for s := bufio.NewScanner(stdout); s.Scan(); {
			p.lines <- s.Text()
		}
		close(p.lines)
	}()
	return p
}

// line is the next line of standard output, and "" at its end.
func (p *process) line(t *testing.T) string {
	select {
	case line := <-p.lines:
		return line
	case <-time.After(limit):
		require.FailNow(t, "the process said nothing", "%v", p.cmd.Args)
		return ""
	}
}

// exit waits for the end and returns the exit code. What was not read with line is thrown away.
func (p *process) exit(t *testing.T) int {
	for line := p.line(t); line != ""; line = p.line(t) {
		t.Log("not expected: ", line)
	}
	err := p.cmd.Wait()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	if p.stderr.Len() > 0 {
		t.Log(p.cmd.Args[1:], ": ", p.stderr.String())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) kill(t *testing.T) {
	require.NoError(t, p.cmd.Process.Kill())
	_ = p.cmd.Wait()
	require.False(t, p.cmd.ProcessState.Exited(), "it had ended before it was killed")
}

// summary reads the line with which the peer ends a stream.
func (p *process) summary(t *testing.T) (s summary) {
	line := p.line(t)
	_, err := fmt.Sscanf(line, "%s %d checksum %x woken %d of %d sleeps, woke %d",
		&s.what, &s.n, &s.checksum, &s.woken, &s.sleeps, &s.wakes)
	require.NoError(t, err, "line %q, standard error %q", line, &p.stderr)
	return s
}

type summary struct {
	what                 string
	n                    int
	checksum             uint32
	woken, sleeps, wakes int
}
