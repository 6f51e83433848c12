package conformance

import (
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func TestRestart_OfBothSidesLosesNothing(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, name := s.pipe(t, shmpipe.Options{})
		for round, texts := range [][]string{{"a", "b"}, {"c"}, {"d", "e", "f"}} {
			p := producer(t, s.open(t, name, shmpipe.Options{}))
			send(t, p, texts...)
			require.NoError(t, p.Close())
			c := consumer(t, s.open(t, name, shmpipe.Options{}))
			expect(t, c, texts...)
			_, err := c.Receive(soon(t), nil)
			require.Equal(t, io.EOF, err, "round %d", round)
			require.NoError(t, c.Close())
		}
		stats, err := pipe.Stats()
		require.NoError(t, err)
		require.EqualValues(t, 6, stats.Sent)
		require.EqualValues(t, 6, stats.Received)
		require.Zero(t, stats.Backlog)
	})
}

func TestNames_AreTakenListedAndRemoved(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, name := s.pipe(t, shmpipe.Options{})
		opts := shmpipe.Options{Backend: s.backend}
		_, err := shmpipe.Create(name, shmpipe.Geometry{Mode: s.mode}, &opts)
		require.ErrorIs(t, err, fs.ErrExist)
		info, err := pipe.Info()
		require.NoError(t, err)
		require.Equal(t, name, info.Name)
		require.Equal(t, s.backend, info.Backend)
		require.Equal(t, s.mode, info.Mode)
		require.Equal(t, maxMessage, info.MaxMessage)
		require.Positive(t, info.Capacity)
		require.Contains(t, info.Explain, s.backend.String())

		list, err := shmpipe.List(&opts)
		require.NoError(t, err)
		var found *shmpipe.Entry
		for i := range list {
			if list[i].Name == name {
				found = &list[i]
			}
		}
		require.NotNil(t, found)
		require.NoError(t, found.Err)
		require.Equal(t, s.mode, found.Ring)
		require.Equal(t, s.backend, found.Backend)

		c := consumer(t, pipe)
		require.ErrorIs(t, shmpipe.Remove(name, false, &opts), shmpipe.ErrBusy)
		require.NoError(t, c.Close())
		require.NoError(t, shmpipe.Remove(name, false, &opts))
		require.ErrorIs(t, shmpipe.Remove(name, false, &opts), fs.ErrNotExist)
		_, err = shmpipe.Open(name, &opts)
		require.ErrorIs(t, err, fs.ErrNotExist)
	})
}

func TestTransient_GoesWithTheLast(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, name := s.pipe(t, shmpipe.Options{Transient: true})
		p, c := producer(t, pipe), consumer(t, pipe)
		send(t, p, "x")
		require.NoError(t, p.Close())
		expect(t, c, "x")
		_, err := c.Receive(soon(t), nil)
		require.Equal(t, io.EOF, err)
		require.NoError(t, c.Close())
		require.NoError(t, pipe.Close())
		_, err = shmpipe.Open(name, &shmpipe.Options{Backend: s.backend})
		require.ErrorIs(t, err, fs.ErrNotExist)
	})
}

func TestInfo_TellsWhoIsThere(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, name := s.pipe(t, shmpipe.Options{})
		child := s.child(t, "hold", name, "producer")
		child.Expect("held")
		state := func() string {
			info, err := pipe.Info()
			require.NoError(t, err)
			for _, w := range info.Participants {
				if w.Role == "producer" && w.PID == child.Process.Pid {
					return w.State
				}
			}
			return "absent"
		}
		require.Equal(t, "alive", state())
		child.Kill()
		shmtest.Eventually(t, "the death is seen", func() bool { return state() == "died" })
		u, err := pipe.Unblock()
		require.NoError(t, err)
		_ = u // SPSC has nothing to release, and others may have been quicker
	})
}
