//go:build linux

package crash_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func init() { roles["member"] = roleMember }

// member is a process that takes part in a ring and does what it is told, a line at a time. It answers each with "ok" or an error.
type member struct {
	pipe  *shmpipe.Pipe
	p     *shmpipe.Producer
	c     *shmpipe.Consumer
	claim shmpipe.Claim
	msg   shmpipe.Message
}

// byFile is the name of a segment that comes as the first descriptor behind the standard ones.
const byFile = "-"

// roleMember opens the segment that its arguments name, and obeys.
func roleMember(args []string) error {
	b, err := shmpipe.ParseBackend(args[0])
	if err != nil {
		return err
	}
	opts := &shmpipe.Options{Backend: b, Follow: true}
	var m member
	if args[1] == byFile {
		m.pipe, err = shmpipe.OpenFile(os.NewFile(3, "segment"), opts)
	} else {
		m.pipe, err = shmpipe.Open(args[1], opts)
	}
	if err != nil {
		return err
	}
	for {
		order, rest, _ := strings.Cut(shmtest.Hear(), " ")
		answer, err := m.obey(order, rest)
		if err != nil {
			shmtest.Say("%v", err)
			continue
		}
		shmtest.Say("%s", strings.TrimSpace("ok "+answer))
	}
}

func (m *member) obey(order, rest string) (answer string, err error) {
	ctx := context.Background()
	switch order {
	case "producer":
		m.p, err = m.pipe.Producer()
	case "consumer":
		m.c, err = m.pipe.Consumer()
	case "send":
		err = m.p.Send(ctx, []byte(rest))
	case "claim":
		m.claim, err = m.p.Claim(ctx, 100)
	case "commit":
		err = m.claim.Commit(copy(m.claim.Bytes(), rest))
	case "take": // a message, and keep it in hand
		if m.msg, err = m.c.Next(ctx); err == nil {
			answer = describe(m.msg.Bytes(), m.msg.Redelivered())
		}
	case "release":
		m.msg.Release()
	case "close":
		if m.p != nil {
			err = m.p.Close()
		}
		if m.c != nil {
			err = errors.Join(err, m.c.Close())
		}
	case "spawn": // a process that outlives this one
		child := exec.Command("sleep", "600")
		if err = child.Start(); err == nil {
			answer = strconv.Itoa(child.Process.Pid)
		}
	default:
		err = fmt.Errorf("order %q is unknown", order)
	}
	return answer, err
}

// describe is a message for people: its bytes, and a mark if it is flagged.
func describe(msg []byte, flagged bool) string {
	if flagged {
		return string(msg) + " again"
	}
	return string(msg)
}

// ask gives a member an order and returns its answer.
func ask(t testing.TB, p *shmtest.Process, order string) string {
	t.Helper()
	p.Tell(order)
	answer, ok := strings.CutPrefix(p.Line(), "ok")
	require.True(t, ok, "%s: %s", order, answer)
	return strings.TrimSpace(answer)
}

// join starts a member of a pipe and gives it orders.
func join(t testing.TB, pipe *shmpipe.Pipe, orders ...string) *shmtest.Process {
	t.Helper()
	return joinAs(t, pipe, func(*exec.Cmd) {}, orders...)
}

// joinAs is join for a process that is started in a special way.
func joinAs(t testing.TB, pipe *shmpipe.Pipe, how func(*exec.Cmd), orders ...string) *shmtest.Process {
	t.Helper()
	info, err := pipe.Info()
	require.NoError(t, err)
	name := info.Name
	var files []*os.File
	if info.Backend == shmpipe.Memfd {
		f, err := pipe.File()
		require.NoError(t, err)
		defer f.Close()
		name, files = byFile, []*os.File{f}
	}
	cmd := shmtest.Command(t, "member", info.Backend.String(), name)
	cmd.ExtraFiles = files
	how(cmd)
	p := shmtest.Start(t, cmd)
	for _, o := range orders {
		ask(t, p, o)
	}
	return p
}

// The smallest MPMC ring, so that what is stuck soon blocks everybody.
var small = shmpipe.Geometry{Mode: shmpipe.MPMC, Capacity: 4096, Granule: 256, Participants: 16}

var every = []shmpipe.Backend{shmpipe.POSIX, shmpipe.SysV, shmpipe.Memfd}

// forEachBackend runs a test over all backends.
func forEachBackend(t *testing.T, f func(t *testing.T, b shmpipe.Backend)) {
	for _, b := range every {
		t.Run(b.String(), func(t *testing.T) { f(t, b) })
	}
}

// create makes a segment whose members outlast each other. It goes when the test ends.
func create(t testing.TB, geo shmpipe.Geometry, b shmpipe.Backend) *shmpipe.Pipe {
	t.Helper()
	p, err := shmpipe.Create(shmtest.TempName(t), geo, &shmpipe.Options{Backend: b, Follow: true})
	require.NoError(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

func producer(t testing.TB, p *shmpipe.Pipe) *shmpipe.Producer {
	t.Helper()
	v, err := p.Producer()
	require.NoError(t, err)
	t.Cleanup(func() { v.Close() })
	return v
}

func consumer(t testing.TB, p *shmpipe.Pipe) *shmpipe.Consumer {
	t.Helper()
	v, err := p.Consumer()
	require.NoError(t, err)
	t.Cleanup(func() { v.Close() })
	return v
}

// soon is a context that ends long after anything should take.
func soon(t testing.TB) context.Context {
	c, cancel := context.WithTimeout(context.Background(), shmtest.Patience)
	t.Cleanup(cancel)
	return c
}

// within is a context for what should not happen.
func within(t testing.TB, d time.Duration) context.Context {
	c, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return c
}

// send sends texts, each a message, and waits for space.
func send(t testing.TB, p *shmpipe.Producer, texts ...string) {
	t.Helper()
	for _, s := range texts {
		require.NoError(t, p.Send(soon(t), []byte(s)))
	}
}

// expect waits for messages, in this order; flagged ones are marked as describe does.
func expect(t testing.TB, c *shmpipe.Consumer, texts ...string) {
	t.Helper()
	buf := make([]byte, 4096)
	for _, want := range texts {
		n, err := c.Receive(soon(t), buf)
		require.NoError(t, err, "want %q", want)
		require.Equal(t, want, describe(buf[:n], c.Redelivered()))
	}
}

// expectAll waits for messages in any order: what the dead had in hand may come before or behind what was sent later.
func expectAll(t testing.TB, c *shmpipe.Consumer, texts ...string) {
	t.Helper()
	buf := make([]byte, 4096)
	var got []string
	for range texts {
		n, err := c.Receive(soon(t), buf)
		require.NoError(t, err, "after %q", got)
		got = append(got, describe(buf[:n], c.Redelivered()))
	}
	require.ElementsMatch(t, texts, got)
}

// goesOn sends and receives more than the ring holds: nothing in it is stuck. The consumer is the only one.
func goesOn(t testing.TB, p *shmpipe.Producer, c *shmpipe.Consumer) {
	t.Helper()
	for i := range 40 {
		s := strings.Repeat("x", 200+i)
		send(t, p, s)
		expect(t, c, s)
	}
}

func stats(t testing.TB, p *shmpipe.Pipe) shmpipe.Stats {
	t.Helper()
	s, err := p.Stats()
	require.NoError(t, err)
	return s
}

// scale makes a test shorter for -short.
func scale(n int) int {
	if testing.Short() {
		return max(n/4, 1)
	}
	return n
}
