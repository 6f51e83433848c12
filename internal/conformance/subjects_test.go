package conformance

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// subject is one way of carrying messages.
type subject struct {
	backend shmpipe.Backend
	mode    shmpipe.Mode
	// atMostOnce: a message that a consumer had in hand when it died is lost; others deliver it again, flagged.
	atMostOnce bool
}

func (s subject) String() string { return s.mode.String() + "/" + s.backend.String() }

var subjects = []subject{
	{shmpipe.POSIX, shmpipe.SPSC, false},
	{shmpipe.SysV, shmpipe.SPSC, false},
	{shmpipe.POSIX, shmpipe.MPMC, false},
	{shmpipe.SysV, shmpipe.MPMC, false},
	{shmpipe.POSIXQueue, shmpipe.SPSC, true},
	{shmpipe.SysVQueue, shmpipe.SPSC, true},
	{shmpipe.POSIXQueue, shmpipe.MPMC, true},
	{shmpipe.SysVQueue, shmpipe.MPMC, true},
}

func TestMain(m *testing.M) { os.Exit(shmtest.Main(m, roles)) }

// forEach runs a test over all subjects that exist here.
func forEach(t *testing.T, f func(t *testing.T, s subject)) {
	for _, s := range subjects {
		t.Run(s.String(), func(t *testing.T) { f(t, s) })
	}
}

// pipe is a new pipe and its name. The limits are small, so that it gets full.
func (s subject) pipe(t *testing.T, opts shmpipe.Options) (*shmpipe.Pipe, string) {
	t.Helper()
	return s.pipeOf(t, shmpipe.Geometry{Capacity: 16 << 10, MaxMessage: maxMessage}, opts)
}

const maxMessage = 4000

func (s subject) pipeOf(t *testing.T, geo shmpipe.Geometry, opts shmpipe.Options) (*shmpipe.Pipe, string) {
	t.Helper()
	name := shmtest.TempName(t)
	geo.Mode, opts.Backend = s.mode, s.backend
	p, err := shmpipe.Create(name, geo, &opts)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Cleanup(func() {
		p.Close()
		// It may be gone already.
		_ = shmpipe.Remove(name, true, &shmpipe.Options{Backend: s.backend, Dir: opts.Dir})
	})
	return p, name
}

func (s subject) open(t *testing.T, name string, opts shmpipe.Options) *shmpipe.Pipe {
	t.Helper()
	opts.Backend = s.backend
	p, err := shmpipe.Open(name, &opts)
	require.NoError(t, err)
	t.Cleanup(func() { p.Close() })
	return p
}

func producer(t *testing.T, p *shmpipe.Pipe) *shmpipe.Producer {
	t.Helper()
	v, err := p.Producer()
	require.NoError(t, err)
	t.Cleanup(func() { v.Close() })
	return v
}

func consumer(t *testing.T, p *shmpipe.Pipe) *shmpipe.Consumer {
	t.Helper()
	v, err := p.Consumer()
	require.NoError(t, err)
	t.Cleanup(func() { v.Close() })
	return v
}

// ends is a pair in this process, consumer first.
func (s subject) ends(t *testing.T) (*shmpipe.Producer, *shmpipe.Consumer) {
	t.Helper()
	p, _ := s.pipe(t, shmpipe.Options{})
	c := consumer(t, p)
	return producer(t, p), c
}

// soon is a context that ends long after anything should take, so that a hang is a failure.
func soon(t testing.TB) context.Context {
	c, cancel := context.WithTimeout(context.Background(), shmtest.Patience)
	t.Cleanup(cancel)
	return c
}

// expect receives messages, in this order.
func expect(t *testing.T, c *shmpipe.Consumer, texts ...string) {
	t.Helper()
	buf := make([]byte, maxMessage)
	for _, want := range texts {
		n, err := c.Receive(soon(t), buf)
		require.NoError(t, err, "want %q", want)
		require.Equal(t, want, string(buf[:n]))
	}
}

func send(t *testing.T, p *shmpipe.Producer, texts ...string) {
	t.Helper()
	for _, s := range texts {
		require.NoError(t, p.Send(soon(t), []byte(s)))
	}
}

// fill sends messages without waiting until there is no space, and returns them.
func fill(t *testing.T, p *shmpipe.Producer) (sent []string) {
	t.Helper()
	for {
		text := string(pattern(1000, len(sent)))
		err := p.TrySend([]byte(text))
		if err == shmpipe.ErrFull {
			require.NotEmpty(t, sent)
			return sent
		}
		require.NoError(t, err)
		sent = append(sent, text)
	}
}

// pattern is n bytes that follow from a number.
func pattern(n, number int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + number*31 + i>>8)
	}
	return b
}
