//go:build linux

package shmpipe_test

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// everywhere are the backends between which a user should see no difference.
var everywhere = []shmpipe.Backend{shmpipe.POSIX, shmpipe.POSIXQueue, shmpipe.SysVQueue}

// forEverywhere gives f an empty pipe of each of them and both of its ends.
func forEverywhere(t *testing.T, mode shmpipe.Mode, f func(t *testing.T, pipe *shmpipe.Pipe, p *shmpipe.Producer, c *shmpipe.Consumer)) {
	for _, b := range everywhere {
		t.Run(b.String(), func(t *testing.T) {
			o := &shmpipe.Options{Backend: b}
			name := shmtest.TempName(t)
			pipe, err := shmpipe.Create(name, shmpipe.Geometry{Mode: mode, MaxMessage: 1000}, o)
			if errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			}
			require.NoError(t, err)
			t.Cleanup(func() {
				require.NoError(t, pipe.Close())
				require.NoError(t, shmpipe.Remove(name, true, o))
			})
			p, err := pipe.Producer()
			require.NoError(t, err)
			t.Cleanup(func() { p.Close() })
			c, err := pipe.Consumer()
			require.NoError(t, err)
			t.Cleanup(func() { c.Close() })
			f(t, pipe, p, c)
		})
	}
}

func receiveText(t *testing.T, c *shmpipe.Consumer) string {
	t.Helper()
	b := make([]byte, 1000)
	n, err := c.Receive(soon(t), b)
	require.NoError(t, err)
	return string(b[:n])
}

func TestAMessageThatWasNotFinished_OutlivesTheClosedConsumer(t *testing.T) {
	failure := errors.New("failure")
	for name, use := range map[string]func(c *shmpipe.Consumer){
		"a callback that fails": func(c *shmpipe.Consumer) {
			_, err := c.Poll(soon(t), 1, func([]byte) error { _ = c.Close(); return failure })
			require.Equal(t, failure, err)
		},
		"a callback that panics": func(c *shmpipe.Consumer) {
			require.Panics(t, func() {
				_, _ = c.Poll(soon(t), 1, func([]byte) error { _ = c.Close(); panic(failure) })
			})
		},
		"an iteration that panics": func(c *shmpipe.Consumer) {
			require.Panics(t, func() {
				for range c.Messages(soon(t)) {
					_ = c.Close()
					panic(failure)
				}
			})
		},
	} {
		for _, mode := range []shmpipe.Mode{shmpipe.SPSC, shmpipe.MPMC} {
			t.Run(name+"/"+mode.String(), func(t *testing.T) {
				forEverywhere(t, mode, func(t *testing.T, pipe *shmpipe.Pipe, p *shmpipe.Producer, c *shmpipe.Consumer) {
					require.NoError(t, p.Send(soon(t), []byte("precious")))
					use(c)
					next, err := pipe.Consumer()
					require.NoError(t, err)
					require.Equal(t, "precious", receiveText(t, next))
					require.NoError(t, next.Close())
				})
			})
		}
	}
}

func TestAShortBuffer_IsNoRedelivery(t *testing.T) {
	forEverywhere(t, shmpipe.SPSC, func(t *testing.T, pipe *shmpipe.Pipe, p *shmpipe.Producer, c *shmpipe.Consumer) {
		require.NoError(t, p.Send(soon(t), []byte("precious")))
		for range 3 {
			_, err := c.Receive(soon(t), nil)
			require.ErrorIs(t, err, io.ErrShortBuffer)
		}
		require.Equal(t, "precious", receiveText(t, c))
		require.False(t, c.Redelivered())
		require.NoError(t, c.Close())
		s, err := pipe.Stats()
		require.NoError(t, err)
		require.EqualValues(t, 1, s.Received)
		require.EqualValues(t, len("precious"), s.ReceivedBytes)
	})
}

func TestListOfAll_IsInTheOrderOfNames(t *testing.T) {
	dir := shmtest.Dir(t)
	prefix := shmtest.TempName(t)
	made := 0
	for i, b := range []shmpipe.Backend{shmpipe.SysVQueue, shmpipe.SysV, shmpipe.POSIXQueue, shmpipe.POSIX} {
		o := &shmpipe.Options{Backend: b, Dir: dir}
		name := fmt.Sprint(prefix, ".", i)
		pipe, err := shmpipe.Create(name, shmpipe.Geometry{Capacity: 4096}, o)
		if errors.Is(err, errors.ErrUnsupported) {
			continue
		}
		require.NoError(t, err)
		made++
		t.Cleanup(func() { require.NoError(t, errors.Join(pipe.Close(), shmpipe.Remove(name, true, o))) })
	}
	found, err := shmpipe.List(&shmpipe.Options{Backend: shmpipe.Auto, Dir: dir})
	require.NoError(t, err)
	require.True(t, slices.IsSortedFunc(found, func(a, b shmpipe.Entry) int { return cmp.Compare(a.Name, b.Name) }))
	for _, e := range found {
		if strings.HasPrefix(e.Name, prefix) {
			made--
			require.NoError(t, e.Err)
			require.Positive(t, e.Size)
		}
	}
	require.Zero(t, made)
}

// A successor may have the entry of the dead one that it follows, and die in it too.
func TestASecondDeath_IsNoOrderlyClose(t *testing.T) {
	for _, b := range everywhere {
		t.Run(b.String(), func(t *testing.T) {
			o := shmpipe.Options{Backend: b}
			called := shmtest.TempName(t)
			pipe, err := shmpipe.Create(called, shmpipe.Geometry{Mode: shmpipe.MPMC, Capacity: 4096, MaxMessage: 100}, &o)
			if errors.Is(err, errors.ErrUnsupported) {
				t.Skip(err)
			}
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, errors.Join(pipe.Close(), shmpipe.Remove(called, true, &o))) })
			hold(t, pipe, b, "consumer").Kill()
			p := producer(t, pipe)
			require.NoError(t, p.Send(soon(t), []byte("the first one died before we came")))
			hold(t, pipe, b, "consumer").Kill()
			for err = nil; err == nil; {
				err = p.Send(soon(t), make([]byte, 100)) // waits where it is full, until it is clear that nobody receives
			}
			require.ErrorIs(t, err, shmpipe.ErrPeerDied)
			require.NoError(t, p.Close())
		})
	}
}

func TestAfterDrain_AClosedConsumerIsSeen(t *testing.T) {
	forEverywhere(t, shmpipe.SPSC, func(t *testing.T, _ *shmpipe.Pipe, p *shmpipe.Producer, c *shmpipe.Consumer) {
		require.NoError(t, p.Send(soon(t), []byte("precious")))
		require.Equal(t, "precious", receiveText(t, c))
		require.NoError(t, c.Close())
		for range 2 {
			if err := p.Drain(soon(t)); err != nil {
				require.ErrorIs(t, err, shmpipe.ErrPeerClosed)
			}
			require.ErrorIs(t, p.TrySend([]byte("late")), shmpipe.ErrPeerClosed)
		}
	})
}
