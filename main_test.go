//go:build linux

package shmpipe_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func TestMain(m *testing.M) { os.Exit(shmtest.Main(m, roles)) }

var ctx = context.Background()

// soon is a context that ends long after anything should take, so that a hang is a failure.
func soon(t testing.TB) context.Context {
	c, cancel := context.WithTimeout(ctx, shmtest.Patience)
	t.Cleanup(cancel)
	return c
}

var backends = []shmpipe.Backend{shmpipe.POSIX, shmpipe.SysV, shmpipe.Memfd}

var modes = []shmpipe.Mode{shmpipe.SPSC, shmpipe.MPMC}

// forEachBackend runs a test over all backends.
func forEachBackend(t *testing.T, f func(t *testing.T, b shmpipe.Backend)) {
	for _, b := range backends {
		t.Run(b.String(), func(t *testing.T) { f(t, b) })
	}
}

// create makes a segment that goes when the test ends.
func create(t testing.TB, geo shmpipe.Geometry, opts shmpipe.Options) *shmpipe.Pipe {
	t.Helper()
	p, err := shmpipe.Create(shmtest.TempName(t), geo, &opts)
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

// pair is both ends of a new ring in this process. The ring is the smallest: 4096 bytes, messages of up to 2040.
func pair(t testing.TB, opts shmpipe.Options) (*shmpipe.Producer, *shmpipe.Consumer) {
	t.Helper()
	p := create(t, shmpipe.Geometry{Capacity: 4096}, opts)
	return producer(t, p), consumer(t, p)
}

func name(t testing.TB, p *shmpipe.Pipe) string {
	t.Helper()
	info, err := p.Info()
	require.NoError(t, err)
	return info.Name
}

func pathOf(t testing.TB, p *shmpipe.Pipe) string {
	t.Helper()
	info, err := p.Info()
	require.NoError(t, err)
	return info.Path
}

func stats(t testing.TB, p *shmpipe.Pipe) shmpipe.Stats {
	t.Helper()
	s, err := p.Stats()
	require.NoError(t, err)
	return s
}

// fill sends messages of 1000 bytes until the ring is full, and returns how many.
func fill(t testing.TB, p *shmpipe.Producer) int {
	t.Helper()
	for n := 0; ; n++ {
		err := p.TrySend(make([]byte, 1000))
		if err == shmpipe.ErrFull {
			return n
		}
		require.NoError(t, err)
	}
}

// send sends texts, each a message.
func send(t testing.TB, p *shmpipe.Producer, texts ...string) {
	t.Helper()
	for _, s := range texts {
		require.NoError(t, p.TrySend([]byte(s)))
	}
}

// receive expects messages, in this order.
func receive(t testing.TB, c *shmpipe.Consumer, texts ...string) {
	t.Helper()
	buf := make([]byte, 4096)
	for _, want := range texts {
		n, err := c.TryReceive(buf)
		require.NoError(t, err, "want %q", want)
		require.Equal(t, want, string(buf[:n]))
	}
}

// strategies are those that wait in different ways.
var strategies = []shmpipe.WaitStrategy{shmpipe.WaitAdaptive, shmpipe.WaitSpin, shmpipe.WaitBlock}

func forEachStrategy(t *testing.T, f func(t *testing.T, w shmpipe.WaitStrategy)) {
	for _, w := range strategies {
		t.Run(w.String(), func(t *testing.T) { f(t, w) })
	}
}

// moment is long enough for a waiter to be asleep, most likely. Nothing depends on it but how sharp a test is.
const moment = 20 * time.Millisecond
