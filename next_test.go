//go:build linux

package shmpipe_test

import (
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func next(t testing.TB, c *shmpipe.Consumer, want string) shmpipe.Message {
	t.Helper()
	m, err := c.TryNext()
	require.NoError(t, err)
	require.Equal(t, want, string(m.Bytes()))
	require.Equal(t, len(want), cap(m.Bytes()), "there is no room to append")
	return m
}

func TestNext_DeliversInPlaceUntilReleaseOrTheNextCall(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b})
		p, c := producer(t, pipe), consumer(t, pipe)
		send(t, p, "a", "b", "", "d")
		m := next(t, c, "a")
		require.Zero(t, stats(t, pipe).Received, "a is in hand")
		m.Release()
		require.Equal(t, uint64(1), stats(t, pipe).Received)
		next(t, c, "b")
		next(t, c, "") // finishes b
		require.False(t, c.Redelivered())
		receive(t, c, "d")
		_, err := c.TryNext()
		require.Equal(t, shmpipe.ErrEmpty, err)
		require.Equal(t, uint64(4), stats(t, pipe).Received)
	})
}

func TestMessage_StaleReleaseDoesNothing(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	send(t, p, "a", "b", "c", "d")
	a := next(t, c, "a")
	a.Release()
	a.Release()
	b := next(t, c, "b")
	a.Release()
	require.Equal(t, uint64(1), stats(t, pipe).Received, "b is in hand")
	receive(t, c, "c")
	b.Release()
	require.Equal(t, uint64(2), stats(t, pipe).Received, "c is in hand")
	next(t, c, "d").Release()
	shmpipe.Message{}.Release()
}

// A stale Message must not end a callback's message either.
func TestMessage_StaleReleaseInsideACallbackDoesNothing(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "a", "b")
	stale := next(t, c, "a")
	failed := io.ErrUnexpectedEOF
	n, err := c.TryPoll(1, func(msg []byte) error {
		stale.Release()
		return failed
	})
	require.Equal(t, failed, err)
	require.Zero(t, n)
	receive(t, c, "b")
}

func TestMessage_OutlivesCloseAndTheMappingWithIt(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	where := pathOf(t, pipe)
	opened, err := shmpipe.Open(name(t, pipe), nil)
	require.NoError(t, err)
	p, c := producer(t, pipe), consumer(t, opened)
	send(t, p, "held", "left")
	m := next(t, c, "held")
	require.NoError(t, c.Close())
	require.NoError(t, opened.Close())
	require.NotEmpty(t, shmtest.Mappings(where))
	require.Equal(t, "held", string(m.Bytes()))
	require.False(t, m.Redelivered())
	_, err = pipe.Consumer()
	require.ErrorIs(t, err, shmpipe.ErrBusy, "the role is given back when the message is released")
	m.Release()
	m.Release()
	require.Empty(t, shmtest.Mappings(where))
	_, err = c.TryNext()
	require.Equal(t, shmpipe.ErrClosed, err)
	receive(t, consumer(t, pipe), "left")
}

func TestNext_AfterCloseWithAMessageHeldGivesTheRoleBack(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	send(t, p, "held", "left")
	next(t, c, "held")
	require.NoError(t, c.Close())
	_, err := c.Next(ctx)
	require.Equal(t, shmpipe.ErrClosed, err)
	receive(t, consumer(t, pipe), "left")
}

func TestClose_FinishesTheMessageThatWasReceived(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	send(t, p, "a", "b")
	receive(t, c, "a")
	require.NoError(t, c.Close())
	c = consumer(t, pipe)
	receive(t, c, "b")
	require.False(t, c.Redelivered())
}
