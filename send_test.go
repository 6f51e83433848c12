//go:build linux

package shmpipe_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func TestSend_KeepsOrderAndBytesOfEverySize(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		p, c := pair(t, shmpipe.Options{Backend: b})
		limit := p.MaxMessage()
		require.Equal(t, 2040, limit)
		random := shmtest.Rand(t)
		sizes := []int{0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, limit - 1, limit}
		for range 500 {
			sizes = append(sizes, random.IntN(limit+1))
		}
		buf := make([]byte, limit)
		for i, size := range sizes {
			msg := make([]byte, size)
			for j := range msg {
				msg[j] = byte(random.Uint32())
			}
			require.NoError(t, p.TrySend(msg), "message %d of %d bytes", i, size)
			n, err := c.TryReceive(buf)
			require.NoError(t, err)
			require.True(t, bytes.Equal(msg, buf[:n]), "message %d of %d bytes arrived as %d", i, size, n)
			_, err = c.TryReceive(buf) // so that nothing is in hand
			require.Equal(t, shmpipe.ErrEmpty, err)
		}
	})
}

func TestSend_RefusesOneByteTooManyAndSendsNothing(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	large := make([]byte, p.MaxMessage()+1)
	require.Equal(t, shmpipe.ErrTooLarge, p.TrySend(large))
	require.Equal(t, shmpipe.ErrTooLarge, p.Send(ctx, large))
	_, err := p.TryClaim(len(large))
	require.Equal(t, shmpipe.ErrTooLarge, err)
	_, err = p.Claim(ctx, len(large))
	require.Equal(t, shmpipe.ErrTooLarge, err)
	_, err = c.TryReceive(nil)
	require.Equal(t, shmpipe.ErrEmpty, err)
	send(t, p, "after")
	receive(t, c, "after")
}

func TestTrySend_SaysFullAndGoesOnWhenThereIsSpace(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	for round := range 20 {
		n := fill(t, p)
		require.Positive(t, n, "round %d", round)
		buf := make([]byte, 1000)
		for range n {
			got, err := c.TryReceive(buf)
			require.NoError(t, err)
			require.Equal(t, 1000, got)
		}
		_, err := c.TryReceive(buf)
		require.Equal(t, shmpipe.ErrEmpty, err)
	}
}

func TestSetType_CarriesTheTypeWithTheMessage(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	for _, typ := range []uint16{0, 1, 255, 256, 65535} {
		p.SetType(typ)
		send(t, p, "receive", "next", "poll")
		claim, err := p.TryClaim(5)
		require.NoError(t, err)
		copy(claim.Bytes(), "claim")
		require.NoError(t, claim.Commit(5))

		receive(t, c, "receive")
		require.Equal(t, typ, c.Type())
		m, err := c.TryNext()
		require.NoError(t, err)
		require.Equal(t, typ, m.Type())
		_, err = c.TryPoll(2, func([]byte) error {
			require.Equal(t, typ, c.Type())
			return nil
		})
		require.NoError(t, err)
	}
	p.SetType(7)
	send(t, p, "a")
	p.SetType(8)
	receive(t, c, "a")
	require.Equal(t, uint16(7), c.Type(), "a type holds for what is sent from then on")
}

func texts(n, size int) [][]byte {
	msgs := make([][]byte, n)
	for i := range msgs {
		msgs[i] = fmt.Appendf(nil, "%0*d", size, i)
	}
	return msgs
}

func TestTrySendBatch_SendsWhatFitsAndSaysHowMany(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	n, err := p.TrySendBatch(nil)
	require.NoError(t, err)
	require.Zero(t, n)

	msgs := texts(10, 1000) // 1008 bytes each in the ring of 4096
	n, err = p.TrySendBatch(msgs)
	require.Equal(t, shmpipe.ErrFull, err)
	require.Equal(t, 4, n)
	n, err = p.TrySendBatch(msgs[4:])
	require.Equal(t, shmpipe.ErrFull, err)
	require.Zero(t, n)
	for i := range 4 {
		receive(t, c, string(msgs[i]))
	}
	_, err = c.TryReceive(nil)
	require.Equal(t, shmpipe.ErrEmpty, err)

	n, err = p.TrySendBatch([][]byte{[]byte("small"), make([]byte, 5000), []byte("never")})
	require.Equal(t, shmpipe.ErrTooLarge, err)
	require.Equal(t, 1, n, "what came before is sent")
	receive(t, c, "small")
	_, err = c.TryReceive(nil)
	require.Equal(t, shmpipe.ErrEmpty, err)
}

func TestSendBatch_WaitsUntilAllAreSent(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		p, c := pair(t, shmpipe.Options{Wait: w})
		msgs := texts(200, 500)
		done := make(chan error, 1)
		go func() {
			n, err := p.SendBatch(soon(t), msgs)
			if err == nil && n != len(msgs) {
				err = fmt.Errorf("sent %d", n)
			}
			done <- err
		}()
		buf := make([]byte, 1000)
		for i := range msgs {
			n, err := c.Receive(soon(t), buf)
			require.NoError(t, err)
			require.Equal(t, string(msgs[i]), string(buf[:n]))
		}
		require.NoError(t, <-done)
	})
}

func TestSendBatch_SaysHowManyWereSentWhenItFails(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	n, err := p.SendBatch(ctx, [][]byte{[]byte("a"), []byte("b"), make([]byte, 9999), []byte("c")})
	require.Equal(t, shmpipe.ErrTooLarge, err)
	require.Equal(t, 2, n)
	receive(t, c, "a", "b")
	_, err = c.TryReceive(nil)
	require.Equal(t, shmpipe.ErrEmpty, err)
}

func TestReceive_WithAShortBufferKeepsTheMessageAndSaysItsLength(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	p.SetType(9)
	send(t, p, "0123456789", "", "next")
	for range 3 {
		n, err := c.TryReceive(make([]byte, 9))
		require.Equal(t, io.ErrShortBuffer, err)
		require.Equal(t, 10, n)
		n, err = c.Receive(ctx, nil)
		require.Equal(t, io.ErrShortBuffer, err)
		require.Equal(t, 10, n)
	}
	receive(t, c, "0123456789")
	require.False(t, c.Redelivered())
	require.Equal(t, uint16(9), c.Type())
	n, err := c.TryReceive(nil) // an empty message fits nowhere and everywhere
	require.NoError(t, err)
	require.Zero(t, n)
	receive(t, c, "next")
}

func TestDrain_WaitsUntilEverythingIsFinished(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		p, c := pair(t, shmpipe.Options{Wait: w})
		require.NoError(t, p.Drain(ctx), "nothing was sent")
		send(t, p, "a", "b")
		done := make(chan error, 1)
		go func() { done <- p.Drain(soon(t)) }()
		receive(t, c, "a", "b")
		select {
		case err := <-done:
			t.Fatalf("b is in hand, but Drain returned %v", err)
		default:
		}
		_, err := c.TryReceive(nil) // asking for the next one finishes b
		require.Equal(t, shmpipe.ErrEmpty, err)
		require.NoError(t, <-done)
	})
}

// A consumer may go about its business after Release, and need not come back for the next message.
func TestDrain_EndsWhenTheLastMessageIsReleased(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		p, c := pair(t, shmpipe.Options{Wait: w})
		send(t, p, "a")
		done := make(chan error, 1)
		go func() { done <- p.Drain(soon(t)) }()
		m, err := c.TryNext()
		require.NoError(t, err)
		m.Release()
		require.NoError(t, <-done)
	})
}

func TestDrain_SucceedsWhenTheConsumerFinishedAndLeft(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "a")
	receive(t, c, "a")
	require.NoError(t, c.Close())
	require.NoError(t, p.Drain(ctx))
	require.Equal(t, shmpipe.ErrPeerClosed, p.TrySend(nil))
}
