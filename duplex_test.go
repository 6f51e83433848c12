//go:build linux

package shmpipe_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func TestRings_OfOneSegmentAreIndependent(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		const rings = 3
		pipe := create(t, shmpipe.Geometry{Capacity: 4096, Rings: rings}, shmpipe.Options{Backend: b})
		var ps [rings]*shmpipe.Producer
		var cs [rings]*shmpipe.Consumer
		var err error
		for i := range rings {
			ps[i], err = pipe.ProducerOf(i)
			require.NoError(t, err)
			cs[i], err = pipe.ConsumerOf(i)
			require.NoError(t, err)
		}
		for range 30 {
			for i := range rings {
				send(t, ps[i], fmt.Sprintf("for ring %d", i))
			}
			for i := range rings {
				receive(t, cs[i], fmt.Sprintf("for ring %d", i))
			}
		}
		for i := range rings {
			s, err := pipe.StatsOf(i)
			require.NoError(t, err)
			require.Equal(t, uint64(30), s.Sent)
			require.NoError(t, ps[i].Close())
			_, err = cs[i].TryReceive(nil)
			require.Equal(t, io.EOF, err)
			require.NoError(t, cs[i].Close())
		}
	})
}

func TestDuplexPair_AnswersEveryRequest(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096, Rings: 2}, shmpipe.Options{Wait: w})
		toServer, err := pipe.ProducerOf(0)
		require.NoError(t, err)
		fromServer, err := pipe.ConsumerOf(1)
		require.NoError(t, err)
		server, err := shmpipe.Open(name(t, pipe), &shmpipe.Options{Wait: w})
		require.NoError(t, err)
		defer server.Close()
		requests, err := server.ConsumerOf(0)
		require.NoError(t, err)
		answers, err := server.ProducerOf(1)
		require.NoError(t, err)
		done := make(chan error, 1)
		go func() {
			for msg, err := range requests.Messages(soon(t)) {
				if err == nil {
					err = answers.Send(soon(t), append([]byte("re: "), msg...))
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- errors.Join(answers.Close(), requests.Close())
		}()
		buf := make([]byte, 100)
		for i := range 2000 {
			require.NoError(t, toServer.Send(soon(t), fmt.Append(nil, i)))
			n, err := fromServer.Receive(soon(t), buf)
			require.NoError(t, err)
			require.Equal(t, fmt.Sprintf("re: %d", i), string(buf[:n]))
		}
		require.NoError(t, toServer.Close())
		_, err = fromServer.Receive(soon(t), buf)
		require.Equal(t, io.EOF, err)
		require.NoError(t, <-done)
		require.NoError(t, fromServer.Close())
	})
}

func TestRings_ThatAreNotThereAreAnError(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096, Rings: 2}, shmpipe.Options{})
	for _, i := range []int{-1, 2, 1 << 40} {
		_, err := pipe.ProducerOf(i)
		require.ErrorIs(t, err, fs.ErrInvalid)
		require.ErrorContains(t, err, pathOf(t, pipe))
		_, err = pipe.ConsumerOf(i)
		require.ErrorIs(t, err, fs.ErrInvalid)
		_, err = pipe.StatsOf(i)
		require.ErrorIs(t, err, fs.ErrInvalid)
	}
}

func TestFile_HandsASegmentToAnotherProcess(t *testing.T) {
	for _, b := range []shmpipe.Backend{shmpipe.POSIX, shmpipe.Memfd} {
		t.Run(b.String(), func(t *testing.T) {
			pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b})
			f, err := pipe.File()
			require.NoError(t, err)
			cmd := shmtest.Command(t, "echo-file")
			cmd.ExtraFiles = []*os.File{f}
			child := shmtest.Start(t, cmd)
			require.NoError(t, f.Close())
			c := consumer(t, pipe)
			n, err := c.Receive(soon(t), make([]byte, 100))
			require.NoError(t, err)
			require.Equal(t, len("from the child"), n)
			child.Wait()
			_, err = c.Receive(soon(t), nil)
			require.Equal(t, io.EOF, err)
		})
	}
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: shmpipe.SysV})
	_, err := pipe.File()
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.NoError(t, pipe.Close())
	_, err = pipe.File()
	require.ErrorIs(t, err, os.ErrClosed)
}

func TestOpenFile_RejectsWhatIsNoSegment(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/plain")
	require.NoError(t, err)
	defer f.Close()
	_, err = shmpipe.OpenFile(f, nil)
	require.ErrorIs(t, err, shmpipe.ErrNotSegment)
	null, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer null.Close()
	_, err = shmpipe.OpenFile(null, nil)
	require.Error(t, err)
}

// roleEchoFile opens descriptor 3.
func roleEchoFile([]string) error {
	p, err := shmpipe.OpenFile(os.NewFile(3, "received"), nil)
	if err != nil {
		return err
	}
	v, err := p.Producer()
	if err != nil {
		return err
	}
	return errors.Join(v.Send(ctx, []byte("from the child")), v.Close(), p.Close())
}
