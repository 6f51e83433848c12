package interop_test

import (
	"fmt"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
)

// longest is the message limit of a ring of 64 KiB.
const longest = 32<<10 - 8

// TestInterop compiles the C peer once and has it meet this implementation.
func TestInterop(t *testing.T) {
	peer := compilePeer(t)
	for _, creator := range []string{"Go", "C"} {
		t.Run("Go sends what C receives, in a segment made by "+creator, func(t *testing.T) { goToC(t, newBench(t, peer), creator) })
		t.Run("C sends what Go receives, in a segment made by "+creator, func(t *testing.T) { cToGo(t, newBench(t, peer), creator) })
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"a C consumer asleep is woken", consumerIsWoken},
		{"a C consumer asleep that has no membarrier is woken", strictConsumerIsWoken},
		{"a C producer at a full ring is woken", producerIsWoken},
		{"a Go consumer asleep and a Go producer at a full ring are woken", goIsWoken},
		{"a C producer is killed behind its last message", producerKilled},
		{"a C producer is killed while it sends", producerKilledSending},
		{"a C consumer is killed with a message in hand", consumerKilled},
		{"a Go producer is killed", goProducerKilled},
		{"a Go consumer is killed with a message in hand", goConsumerKilled},
		{"a Go consumer closes", goConsumerCloses},
		{"a role is busy", roleIsBusy},
		{"a segment has two rings", secondRing},
		{"a remover was killed", remains},
		{"a frame is broken", brokenFrame},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newBench(t, peer)) })
	}
}

const many = 200_000

func goToC(t *testing.T, b *bench, creator string) {
	pipe := b.create(t, creator)
	if creator == "C" {
		b.env = append(b.env, "PEER_NO_MEMBARRIER=1")
	}
	c := b.start(t, "receive", "x")
	sum := send(t, producer(t, pipe), 0, many)
	got := c.summary(t)
	require.Equal(t, []any{"end", many, sum}, []any{got.what, got.n, got.checksum})
	require.Zero(t, c.exit(t))
}

func cToGo(t *testing.T, b *bench, creator string) {
	pipe := b.create(t, creator)
	if creator == "C" {
		b.env = append(b.env, "PEER_NO_MEMBARRIER=1")
	}
	p := b.start(t, "send", "x", fmt.Sprint(many), fmt.Sprint(longest))
	n, sum, err := receive(t, consumer(t, pipe), 0, longest)
	require.ErrorIs(t, err, io.EOF)
	got := p.summary(t)
	require.Equal(t, []any{"sent", n, sum}, []any{got.what, got.n, got.checksum})
	require.Equal(t, many, n)
	require.Zero(t, p.exit(t))
}

func consumerIsWoken(t *testing.T, b *bench) {
	pipe := b.create(t, "Go")
	p := producer(t, pipe)
	c := b.start(t, "receive", "x")
	const rounds = 20
	parks := uint64(0)
	for i := range rounds {
		eventually(t, func() bool { return stats(t, pipe).ConsumerParks > parks })
		parks = stats(t, pipe).ConsumerParks
		require.NoError(t, p.Send(soon(t), message(i, 1000)))
	}
	require.NoError(t, p.Close())
	got := c.summary(t)
	require.Equal(t, rounds, got.n)
	t.Logf("%d of %d sleeps were ended by the producer", got.woken, got.sleeps)
	require.Positive(t, got.woken, "only time-outs ended its %d sleeps", got.sleeps)
	require.Zero(t, c.exit(t))
	require.Positive(t, stats(t, pipe).ProducerWakes)
}

func strictConsumerIsWoken(t *testing.T, b *bench) {
	b.env = append(b.env, "PEER_NO_MEMBARRIER=1")
	consumerIsWoken(t, b)
}

func producerIsWoken(t *testing.T, b *bench) {
	pipe := b.create(t, "Go")
	p := b.start(t, "send", "x", "20000", "1000")
	eventually(t, func() bool { return stats(t, pipe).ProducerParks > 0 })
	c := consumer(t, pipe)
	buf := make([]byte, longest)
	read := 0
	for range 10 {
		parks := stats(t, pipe).ProducerParks
		for range 200 { // more than an eighth of the ring: credit is returned
			n, err := c.Receive(soon(t), buf)
			require.NoError(t, err)
			require.Equal(t, message(read, 1000), buf[:n])
			read++
		}
		eventually(t, func() bool { return stats(t, pipe).ProducerParks > parks })
	}
	n, _, err := receive(t, c, read, 1000)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, 20000, n)
	got := p.summary(t)
	require.Positive(t, got.woken, "only time-outs ended its %d sleeps", got.sleeps)
	require.Zero(t, p.exit(t))
}

func goIsWoken(t *testing.T, b *bench) {
	opts := b.options()
	opts.Wait = shmpipe.WaitBlock
	b.create(t, "C")
	pipe, err := shmpipe.Open("x", opts)
	require.NoError(t, err)
	t.Cleanup(func() { _ = pipe.Close() })
	ctx := soon(t)
	done := make(chan error, 1)

	c := consumer(t, pipe)
	go func() {
		buf := make([]byte, longest)
		for range 100 {
			if _, err := c.Receive(ctx, buf); err != nil {
				done <- err
				return
			}
		}
		done <- c.Close()
	}()
	eventually(t, func() bool { return stats(t, pipe).ConsumerParks > 0 })
	other := b.start(t, "send", "x", "100", "1000")
	require.NoError(t, <-done)
	got := other.summary(t)
	require.Equal(t, "sent", got.what)
	require.Positive(t, got.wakes)
	require.Zero(t, other.exit(t))

	p := producer(t, pipe)
	go func() {
		for i := range 2000 {
			if err := p.Send(ctx, message(i, 1000)); err != nil {
				done <- err
				return
			}
		}
		done <- p.Close()
	}()
	eventually(t, func() bool { return stats(t, pipe).ProducerParks > 0 })
	other = b.start(t, "receive", "x")
	require.NoError(t, <-done)
	got = other.summary(t)
	require.Equal(t, []any{"end", 2000}, []any{got.what, got.n})
	require.Positive(t, got.wakes)
	require.Zero(t, other.exit(t))
}

func goConsumerCloses(t *testing.T, b *bench) {
	pipe := b.create(t, "C")
	c := consumer(t, pipe)
	p := b.start(t, "send", "x", "1000000000", "1000")
	_, err := c.Receive(soon(t), make([]byte, longest))
	require.NoError(t, err)
	require.NoError(t, c.Close())
	require.Equal(t, "closed", p.summary(t).what)
	require.Equal(t, exitClosed, p.exit(t))
}

func roleIsBusy(t *testing.T, b *bench) {
	pipe := b.create(t, "Go")
	require.Equal(t, exitExists, b.start(t, "create", "x", "65536").exit(t))

	p := producer(t, pipe)
	require.Equal(t, exitBusy, b.start(t, "send", "x", "1", "1").exit(t))
	require.Equal(t, exitBusy, b.start(t, "remove", "x").exit(t))
	c := b.start(t, "receive", "x")
	eventually(t, func() bool { return alive(t, pipe, "consumer") })
	_, err := pipe.Consumer()
	require.ErrorIs(t, err, shmpipe.ErrBusy)
	require.NoError(t, p.Close())
	require.Equal(t, "end", c.summary(t).what)
	require.Zero(t, c.exit(t))

	d := b.start(t, "send", "x", "1", "1", "hold")
	require.Equal(t, "holding", d.summary(t).what)
	_, err = pipe.Producer()
	require.ErrorIs(t, err, shmpipe.ErrBusy)
	require.ErrorIs(t, shmpipe.Remove("x", false, b.options()), shmpipe.ErrBusy)
	d.kill(t)
	own := consumer(t, pipe)
	require.Equal(t, exitBusy, b.start(t, "receive", "x").exit(t))
	require.NoError(t, own.Close())
	require.Zero(t, b.start(t, "remove", "x").exit(t))
	_, err = shmpipe.Open("x", b.options())
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func secondRing(t *testing.T, b *bench) {
	pipe, err := shmpipe.Create("x", shmpipe.Geometry{Capacity: 8192, MaxMessage: 1000, Rings: 3}, b.options())
	require.NoError(t, err)
	defer pipe.Close()
	b.env = append(b.env, "PEER_RING=1")
	c, err := pipe.ConsumerOf(1)
	require.NoError(t, err)
	defer c.Close()
	p := b.start(t, "send", "x", "1000", "1000")
	n, _, err := receive(t, c, 0, 1000)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, 1000, n)
	require.Equal(t, "sent", p.summary(t).what)
	require.Zero(t, p.exit(t))
}

func remains(t *testing.T, b *bench) {
	before, err := b.create(t, "Go").Info()
	require.NoError(t, err)
	b.overwrite(t, 512, 2)
	after, err := b.create(t, "C").Info()
	require.NoError(t, err)
	require.NotEqual(t, before.UUID, after.UUID)
	b.overwrite(t, 512, 2)
	pipe := b.create(t, "Go")
	require.Zero(t, b.start(t, "remove", "x").exit(t))
	_, err = pipe.Producer()
	require.ErrorIs(t, err, shmpipe.ErrRemoved)
}

func brokenFrame(t *testing.T, b *bench) {
	pipe := b.create(t, "C")
	p := producer(t, pipe)
	require.NoError(t, p.Send(soon(t), []byte("hello")))
	b.overwrite(t, 3*4096+7, 9) // the version of the first frame
	require.Equal(t, exitCorrupt, b.start(t, "receive", "x").exit(t))
	require.True(t, stats(t, pipe).Poisoned)
	_, err := pipe.Consumer()
	require.ErrorIs(t, err, shmpipe.ErrCorrupt)
	for err = nil; err == nil; {
		err = p.Send(soon(t), []byte("more"))
	}
	require.ErrorIs(t, err, shmpipe.ErrCorrupt)
	require.Equal(t, exitCorrupt, b.start(t, "receive", "x").exit(t))
}
