//go:build linux && !race

package shmpipe_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
)

// The race detector allocates where the program does not, so this is not for it.
func TestMessages_CostNoAllocation(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			pipe := create(t, shmpipe.Geometry{Mode: mode, Capacity: 4096}, shmpipe.Options{})
			requireNoAllocations(t, producer(t, pipe), consumer(t, pipe))
		})
	}
}

func requireNoAllocations(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) {
	msg, buf := []byte("a message of some length"), make([]byte, 100)
	batch := texts(8, 30)
	ok := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	receiveOne := func() { _, err := c.TryReceive(buf); ok(err) }
	nothing := func([]byte) error { return nil }
	for name, f := range map[string]func(){
		"TrySend, TryReceive": func() { ok(p.TrySend(msg)); receiveOne() },
		"Send, Receive":       func() { ok(p.Send(ctx, msg)); _, err := c.Receive(ctx, buf); ok(err) },
		"Next, Release":       func() { ok(p.TrySend(msg)); m, err := c.Next(ctx); ok(err); m.Release() },
		"TryNext, Release":    func() { ok(p.TrySend(msg)); m, err := c.TryNext(); ok(err); m.Release() },
		"Claim, Commit": func() {
			v, err := p.Claim(ctx, len(msg))
			ok(err)
			copy(v.Bytes(), msg)
			ok(v.Commit(len(msg)))
			receiveOne()
		},
		"TryClaim, deferred Abort": func() {
			v, err := p.TryClaim(len(msg))
			ok(err)
			defer v.Abort()
			ok(v.Commit(len(msg)))
			receiveOne()
		},
		"TrySendBatch, TryPoll": func() {
			_, err := p.TrySendBatch(batch)
			ok(err)
			_, err = c.TryPoll(100, nothing)
			ok(err)
		},
		"SendBatch, Poll": func() {
			_, err := p.SendBatch(ctx, batch)
			ok(err)
			_, err = c.Poll(ctx, 100, nothing)
			ok(err)
		},
		"TryReceive of nothing": func() {
			if _, err := c.TryReceive(buf); err != shmpipe.ErrEmpty {
				t.Fatal(err)
			}
		},
		"SetType, Type, Redelivered": func() { p.SetType(1); _ = c.Type(); _ = c.Redelivered() },
		"Drain of nothing": func() {
			_, _ = c.TryReceive(buf) // finishes what another case left in hand: they come in any order
			ok(p.Drain(ctx))
		},
	} {
		require.Zero(t, testing.AllocsPerRun(2000, f), name)
	}
	n := fill(t, p)
	require.Zero(t, testing.AllocsPerRun(2000, func() {
		if p.TrySend(make([]byte, 1000)) != shmpipe.ErrFull {
			t.Fatal("full")
		}
	}))
	require.Positive(t, n)
}

// Both sides wait in turn, spinning and asleep.
func TestWaiting_CostsNoAllocation(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		for _, mode := range modes {
			requireNoAllocationsInWaiting(t, create(t, shmpipe.Geometry{Mode: mode, Capacity: 4096, Rings: 2}, shmpipe.Options{Wait: w}))
		}
	})
}

func requireNoAllocationsInWaiting(t *testing.T, pipe *shmpipe.Pipe) {
	to, err := pipe.ProducerOf(0)
	require.NoError(t, err)
	from, err := pipe.ConsumerOf(1)
	require.NoError(t, err)
	echoFrom, err := pipe.ConsumerOf(0)
	require.NoError(t, err)
	echoTo, err := pipe.ProducerOf(1)
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		buf := make([]byte, 100)
		for {
			n, err := echoFrom.Receive(ctx, buf)
			if err == nil {
				err = echoTo.Send(ctx, buf[:n])
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	msg, buf := []byte("ping"), make([]byte, 100)
	require.Zero(t, testing.AllocsPerRun(50, func() { // on one processor: who spins holds it for 10 ms at a time
		if err := to.Send(ctx, msg); err != nil {
			t.Fatal(err)
		}
		if _, err := from.Receive(ctx, buf); err != nil {
			t.Fatal(err)
		}
	}))
	require.NoError(t, to.Close())
	require.ErrorContains(t, <-done, "EOF")
	for _, v := range []interface{ Close() error }{echoFrom, echoTo, from} {
		require.NoError(t, v.Close())
	}
}
