package interop_test

import (
	"context"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
)

// child is a Go participant that is there to be killed: a producer that has a claim half written behind n messages, or a consumer
// with the nth message in hand.
func child(role, dir, number string) error {
	n, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	ctx := context.Background()
	pipe, err := shmpipe.Open("x", &shmpipe.Options{Dir: dir})
	if err != nil {
		return err
	}
	switch role {
	case "producer":
		p, err := pipe.Producer()
		if err != nil {
			return err
		}
		for i := range n {
			p.SetType(uint16(i))
			if err := p.Send(ctx, message(i, 1000)); err != nil {
				return err
			}
		}
		claim, err := p.Claim(ctx, 1000)
		if err != nil {
			return err
		}
		copy(claim.Bytes(), "this is never committed")
	case "consumer":
		c, err := pipe.Consumer()
		if err != nil {
			return err
		}
		for range n {
			if _, err := c.Next(ctx); err != nil {
				return err
			}
		}
	}
	fmt.Println("ready")
	_, err = io.Copy(io.Discard, os.Stdin) // ends with the parent, should that die first
	return err
}

func producerKilled(t *testing.T, b *bench) {
	pipe := b.create(t, "Go")
	c := consumer(t, pipe)
	p := b.start(t, "send", "x", "100", "250", "hold")
	held := p.summary(t)
	require.Equal(t, "holding", held.what)
	p.kill(t)
	n, sum, err := receive(t, c, 0, 250)
	require.ErrorIs(t, err, shmpipe.ErrPeerDied)
	require.Equal(t, []any{held.n, held.checksum}, []any{n, sum})

	successor := b.start(t, "send", "x", "3", "250")
	require.Equal(t, "sent", successor.summary(t).what)
	n, _, err = receive(t, c, 0, 250)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, 3, n)
	require.Zero(t, successor.exit(t))
}

func producerKilledSending(t *testing.T, b *bench) {
	pipe := b.create(t, "C")
	c := consumer(t, pipe)
	p := b.start(t, "send", "x", "1000000000", "1000")
	buf := make([]byte, longest)
	for i := range 10_000 {
		n, err := c.Receive(soon(t), buf)
		require.NoError(t, err)
		require.Equal(t, message(i, 1000), buf[:n])
	}
	p.kill(t)
	n, _, err := receive(t, c, 10_000, 1000)
	require.ErrorIs(t, err, shmpipe.ErrPeerDied)
	s := stats(t, pipe)
	require.Zero(t, s.Backlog)
	require.Contains(t, []uint64{uint64(n), uint64(n) + 1}, s.Sent, "counted, and perhaps one that was not committed")
}

func consumerKilled(t *testing.T, b *bench) {
	pipe := b.create(t, "C")
	c := b.start(t, "receive", "x", "hold", "5")
	eventually(t, func() bool { return alive(t, pipe, "consumer") })
	p := producer(t, pipe) // it finds a Status that the consumer's death does not change
	sent := 0
	for ; sent < 10; sent++ {
		require.NoError(t, p.Send(soon(t), message(sent, 1000)))
	}
	require.Contains(t, c.line(t), fmt.Sprintf("message %d ", len(message(4, 1000))))
	c.kill(t)

	var err error
	for ; err == nil; sent++ {
		err = p.Send(soon(t), message(sent, 1000))
	}
	sent--
	require.ErrorIs(t, err, shmpipe.ErrPeerDied)
	require.NoError(t, p.Close())

	successor := consumer(t, pipe)
	buf := make([]byte, longest)
	for i := 4; i < sent; i++ {
		n, err := successor.Receive(soon(t), buf)
		require.NoError(t, err)
		require.Equal(t, message(i, 1000), buf[:n])
		require.Equal(t, i == 4, successor.Redelivered())
	}
	_, err = successor.Receive(soon(t), buf)
	require.ErrorIs(t, err, io.EOF)
}

func goProducerKilled(t *testing.T, b *bench) {
	b.create(t, "C")
	c := b.start(t, "receive", "x")
	p := b.startGo(t, "producer", 5000)
	require.Equal(t, "ready", p.line(t))
	p.kill(t)
	var sum uint32
	for i := range 5000 {
		sum = digest(sum, message(i, 1000), uint16(i))
	}
	got := c.summary(t)
	require.Equal(t, []any{"died", 5000, sum}, []any{got.what, got.n, got.checksum})
	require.Equal(t, exitDied, c.exit(t))
}

func goConsumerKilled(t *testing.T, b *bench) {
	pipe := b.create(t, "Go")
	c := b.startGo(t, "consumer", 5)
	eventually(t, func() bool { return alive(t, pipe, "consumer") })
	p := b.start(t, "send", "x", "20000", "1000")
	require.Equal(t, "ready", c.line(t))
	eventually(t, func() bool { return stats(t, pipe).ProducerParks > 0 })
	c.kill(t)
	died := p.summary(t)
	require.Equal(t, "died", died.what)
	require.Less(t, died.n, 20000)
	require.Equal(t, exitDied, p.exit(t))

	successor := b.start(t, "receive", "x", "lines")
	for i := 4; i < died.n; i++ {
		flag := ""
		if i == 4 {
			flag = " redelivered"
		}
		body := message(i, 1000)
		sum := crc32.Checksum(body, castagnoli)
		require.Equal(t, fmt.Sprintf("message %d type %d checksum %08x%s", len(body), uint16(i), sum, flag), successor.line(t))
	}
	got := successor.summary(t)
	require.Equal(t, []any{"end", died.n - 4}, []any{got.what, got.n})
	require.Zero(t, successor.exit(t))
}
