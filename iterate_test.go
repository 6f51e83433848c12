//go:build linux

package shmpipe_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func TestMessages_EndsSilentlyAtTheEndOfStream(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "a", "b", "c")
	require.NoError(t, p.Close())
	var got []string
	for msg, err := range c.Messages(ctx) {
		require.NoError(t, err)
		got = append(got, string(msg))
	}
	require.Equal(t, []string{"a", "b", "c"}, got)
	for range c.Messages(ctx) {
		t.Fatal("the stream has ended")
	}
}

func TestMessages_BreakFinishesTheMessageAndTheLoopMayBeTakenUpAgain(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "a", "b", "c")
	for msg, err := range c.Messages(ctx) {
		require.NoError(t, err)
		require.Equal(t, "a", string(msg))
		break
	}
	for msg := range c.Messages(ctx) {
		require.Equal(t, "b", string(msg))
		break
	}
	receive(t, c, "c")
}

func TestMessages_YieldsTheContextsErrorAsTheLastPair(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "a")
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	var got []string
	for msg, err := range c.Messages(stop) {
		if err != nil {
			require.Nil(t, msg)
			got = append(got, err.Error())
			continue // there is nothing more
		}
		got = append(got, string(msg))
		cancel()
	}
	require.Equal(t, []string{"a", context.Canceled.Error()}, got)
}

func TestMessages_PanicInTheBodyKeepsTheMessage(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	send(t, p, "a", "b")
	fail := func() {
		for range c.Messages(ctx) {
			panic("body")
		}
	}
	require.PanicsWithValue(t, "body", fail)
	require.PanicsWithValue(t, "body", fail)
	require.Zero(t, stats(t, pipe).Received)
	require.NoError(t, c.Close())
	receive(t, consumer(t, pipe), "a", "b") // the role was given back, although nobody released the message
}

func TestMessages_CloseInTheBodyEndsTheLoopWithErrClosed(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	send(t, p, "a", "b")
	var last error
	for msg, err := range c.Messages(ctx) {
		if last = err; err == nil {
			require.Equal(t, "a", string(msg))
			require.NoError(t, c.Close())
			require.Equal(t, "a", string(msg), "it is lent until the body ends")
		}
	}
	require.Equal(t, shmpipe.ErrClosed, last)
	receive(t, consumer(t, pipe), "b")
}

func TestPoll_StopsAtTheLimit(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "a", "b", "c")
	var got []string
	collect := func(msg []byte) error {
		got = append(got, string(msg))
		return nil
	}
	n, err := c.Poll(ctx, 2, collect)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	n, err = c.Poll(ctx, 2, collect)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	n, err = c.TryPoll(2, collect)
	require.Equal(t, shmpipe.ErrEmpty, err)
	require.Zero(t, n)
	require.Equal(t, []string{"a", "b", "c"}, got)
	_, err = c.TryNext()
	require.Equal(t, shmpipe.ErrEmpty, err)
}

func TestPoll_AnErrorGivesTheMessageBack(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "a", "b", "c")
	failed := errors.New("not now")
	n, err := c.Poll(ctx, 10, func(msg []byte) error {
		if string(msg) == "b" {
			return failed
		}
		return nil
	})
	require.Equal(t, failed, err)
	require.Equal(t, 1, n)
	receive(t, c, "b", "c")
	require.False(t, c.Redelivered(), "nobody died")
}

func TestPoll_PanicGivesTheMessageAndTheCreditBack(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	n := fill(t, p)
	seen := 0
	require.PanicsWithValue(t, "fn", func() {
		_, _ = c.TryPoll(n, func([]byte) error {
			if seen++; seen == n {
				panic("fn")
			}
			return nil
		})
	})
	require.Equal(t, uint64(n-1), stats(t, pipe).Received)
	require.NoError(t, p.TrySend(make([]byte, 1000)), "credit was given back")
	_, err := c.TryReceive(make([]byte, 1000))
	require.NoError(t, err)
	shmtest.Within(t, shmtest.Patience, "Close", func() { require.NoError(t, c.Close()) })
	require.Equal(t, uint64(n), stats(t, pipe).Received)
}

func TestPoll_CloseInTheCallbackTakesEffectAfterIt(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	send(t, p, "a", "b", "c")
	n, err := c.Poll(ctx, 10, func(msg []byte) error {
		require.NoError(t, c.Close())
		_, err := pipe.Consumer()
		require.ErrorIs(t, err, shmpipe.ErrBusy)
		return nil
	})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = c.Poll(ctx, 1, nil)
	require.Equal(t, shmpipe.ErrClosed, err)
	receive(t, consumer(t, pipe), "b", "c")
}

func TestPoll_CloseAndErrorInTheCallbackLeaveTheMessageToTheSuccessor(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	send(t, p, "a", "b")
	failed := errors.New("cannot")
	n, err := c.Poll(ctx, 10, func([]byte) error {
		require.NoError(t, c.Close())
		return failed
	})
	require.Equal(t, failed, err)
	require.Zero(t, n)
	receive(t, consumer(t, pipe), "a", "b")
}

func TestPoll_WaitsForTheFirstMessage(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		p, c := pair(t, shmpipe.Options{Wait: w})
		done := make(chan error, 1)
		go func() {
			_, err := c.Poll(soon(t), 10, func([]byte) error { return nil })
			done <- err
		}()
		send(t, p, "a")
		require.NoError(t, <-done)
	})
}
