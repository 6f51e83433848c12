//go:build linux

package shmpipe_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func claim(t testing.TB, p *shmpipe.Producer, text string) shmpipe.Claim {
	t.Helper()
	c, err := p.TryClaim(len(text))
	require.NoError(t, err)
	require.Len(t, c.Bytes(), len(text))
	require.Equal(t, len(text), cap(c.Bytes()), "there is no room to append")
	copy(c.Bytes(), text)
	return c
}

func TestClaim_ShowsNothingBeforeCommit(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		p, c := pair(t, shmpipe.Options{Backend: b})
		for range 50 { // around the ring
			v := claim(t, p, "a message that is cut")
			_, err := c.TryReceive(nil)
			require.Equal(t, shmpipe.ErrEmpty, err)
			require.NoError(t, v.Commit(9))
			receive(t, c, "a message")
		}
		v, err := p.Claim(ctx, 0)
		require.NoError(t, err)
		require.NoError(t, v.Commit(0))
		receive(t, c, "")
	})
}

func TestClaim_OfEverySizeAroundTheRing(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	random := shmtest.Rand(t)
	buf := make([]byte, p.MaxMessage())
	for range 2000 {
		n := random.IntN(p.MaxMessage() + 1)
		v, err := p.TryClaim(n)
		require.NoError(t, err)
		require.Len(t, v.Bytes(), n)
		if random.IntN(4) == 0 {
			v.Abort()
			continue
		}
		used := random.IntN(n + 1)
		for i := range used {
			v.Bytes()[i] = byte(i)
		}
		require.NoError(t, v.Commit(used))
		got, err := c.TryReceive(buf)
		require.NoError(t, err)
		require.Equal(t, used, got)
		for i := range used {
			require.Equal(t, byte(i), buf[i])
		}
		_, err = c.TryReceive(buf) // so that nothing is in hand
		require.Equal(t, shmpipe.ErrEmpty, err)
	}
}

func TestClaim_AbortLeavesNoTrace(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	send(t, p, "before")
	v := claim(t, p, "never")
	v.Abort()
	v.Abort()
	send(t, p, "after")
	receive(t, c, "before", "after")
	s := stats(t, pipe)
	require.Equal(t, uint64(1), s.Aborted)
	require.Equal(t, uint64(2), s.Sent)
	require.Equal(t, uint64(11), s.SentBytes)
}

func TestClaim_DeferredAbortDoesNothingAfterCommit(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	func() {
		v := claim(t, p, "sent")
		defer v.Abort()
		require.NoError(t, v.Commit(4))
	}()
	receive(t, c, "sent")
}

func TestClaim_StaleCopiesAreHarmless(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	first := claim(t, p, "first")
	copied := first
	require.NoError(t, first.Commit(5))
	second := claim(t, p, "second")
	copied.Abort() // not the second
	require.Panics(t, func() { _ = copied.Commit(5) })
	require.NoError(t, second.Commit(6))
	receive(t, c, "first", "second")
	shmpipe.Claim{}.Abort()
	require.Panics(t, func() { _ = shmpipe.Claim{}.Commit(0) })
}

func TestClaim_PanicsOnMisuse(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	v := claim(t, p, "abc")
	require.PanicsWithValue(t, "shmpipe: Commit of 4 bytes of a claim of 3", func() { _ = v.Commit(4) })
	require.Panics(t, func() { _ = v.Commit(-1) })
	require.NoError(t, v.Commit(3), "the claim is still held")
	require.Panics(t, func() { _ = v.Commit(3) })
	receive(t, c, "abc")
}

// A panic must not leave the producer marked as in use: a deferred Close would wait for ever.
func TestClaim_OfANegativeSizePanicsAndLeavesTheProducerUsable(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	require.PanicsWithValue(t, "shmpipe: claim of -1 bytes", func() { _, _ = p.TryClaim(-1) })
	require.PanicsWithValue(t, "shmpipe: claim of -2 bytes", func() { _, _ = p.Claim(ctx, -2) })
	send(t, p, "well")
	receive(t, c, "well")
	shmtest.Within(t, shmtest.Patience, "Close after a panic", func() { require.NoError(t, p.Close()) })
}

// The same, of a panic that comes from outside.
func TestWait_PanickingContextLeavesTheEndpointUsable(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		p, c := pair(t, shmpipe.Options{Wait: w})
		var none context.Context
		require.Panics(t, func() { _, _ = c.Receive(none, nil) })
		fill(t, p)
		require.Panics(t, func() { _ = p.Send(none, make([]byte, 1000)) })
		require.Panics(t, func() { _ = p.Drain(none) })
		buf := make([]byte, 1000)
		_, err := c.TryReceive(buf)
		require.NoError(t, err)
		require.Equal(t, shmpipe.ErrFull, p.TrySend(buf), "that message is in hand still")
		shmtest.Within(t, shmtest.Patience, "Close after a panic", func() {
			require.NoError(t, p.Close())
			require.NoError(t, c.Close())
		})
	})
}

func TestProducer_RefusesEverythingWhileAClaimIsHeld(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	v := claim(t, p, "held")
	require.Equal(t, shmpipe.ErrClaimed, p.TrySend(nil))
	require.Equal(t, shmpipe.ErrClaimed, p.Send(ctx, nil))
	_, err := p.TrySendBatch(texts(2, 2))
	require.Equal(t, shmpipe.ErrClaimed, err)
	_, err = p.SendBatch(ctx, texts(2, 2))
	require.Equal(t, shmpipe.ErrClaimed, err)
	_, err = p.TryClaim(1)
	require.Equal(t, shmpipe.ErrClaimed, err)
	_, err = p.Claim(ctx, 1)
	require.Equal(t, shmpipe.ErrClaimed, err)
	require.Equal(t, shmpipe.ErrClaimed, p.Drain(ctx))
	require.NoError(t, v.Commit(4))
	receive(t, c, "held")
}

func TestClaim_WaitsForSpace(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		p, c := pair(t, shmpipe.Options{Wait: w})
		n := fill(t, p)
		done := make(chan error, 1)
		go func() {
			v, err := p.Claim(soon(t), 2000)
			if err == nil {
				copy(v.Bytes(), "at last")
				err = v.Commit(7)
			}
			done <- err
		}()
		buf := make([]byte, 2000)
		for range n {
			_, err := c.Receive(soon(t), buf)
			require.NoError(t, err)
		}
		got, err := c.Receive(soon(t), buf)
		require.NoError(t, err)
		require.Equal(t, "at last", string(buf[:got]))
		require.NoError(t, <-done)
	})
}

func TestClaim_OutlivesCloseAndTheMappingWithIt(t *testing.T) {
	for _, commit := range []bool{true, false} {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
		where := pathOf(t, pipe)
		pipe, err := shmpipe.Open(name(t, pipe), nil)
		require.NoError(t, err)
		p := producer(t, pipe)
		v := claim(t, p, "too late")
		require.NoError(t, p.Close())
		require.NoError(t, pipe.Close())
		require.NotEmpty(t, shmtest.Mappings(where), "the claim's memory is there")
		copy(v.Bytes(), "still ok")
		require.Equal(t, shmpipe.ErrClosed, p.TrySend(nil))
		_, err = pipe.Producer()
		require.Equal(t, shmpipe.ErrClosed, err)
		if commit {
			require.Equal(t, shmpipe.ErrClosed, v.Commit(8))
		} else {
			v.Abort()
		}
		require.Empty(t, shmtest.Mappings(where))
		require.Equal(t, shmpipe.ErrClosed, p.TrySend(nil))
		v.Abort()
		require.NoError(t, p.Close())
	}
}

func TestClaim_CommitAfterCloseSendsNothing(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	v := claim(t, p, "never")
	require.NoError(t, p.Close())
	_, err := pipe.Producer()
	require.ErrorIs(t, err, shmpipe.ErrBusy, "the role is given back when the claim ends")
	require.Equal(t, shmpipe.ErrClosed, v.Commit(5))
	_, err = c.Receive(ctx, nil)
	require.ErrorContains(t, err, "EOF")
	require.NoError(t, producer(t, pipe).Close())
}
