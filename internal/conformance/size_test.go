package conformance

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
)

func newReader(b []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(b)} } // no WriterTo

func TestSizes_FromNothingToTheLimit(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		for number, size := range []int{0, 1, 7, 8, 9, 63, 64, 65, 1000, maxMessage - 1, maxMessage} {
			want := pattern(size, number)
			require.NoError(t, p.Send(soon(t), want))
			buf := make([]byte, maxMessage)
			n, err := c.Receive(soon(t), buf)
			require.NoError(t, err)
			require.Equal(t, want, buf[:n])
		}
		require.Equal(t, shmpipe.ErrTooLarge, p.TrySend(make([]byte, p.MaxMessage()+1)))
		require.Equal(t, shmpipe.ErrTooLarge, p.Send(soon(t), make([]byte, p.MaxMessage()+1)))
		_, err := p.Claim(soon(t), p.MaxMessage()+1)
		require.Equal(t, shmpipe.ErrTooLarge, err)
		n, err := p.SendBatch(soon(t), [][]byte{[]byte("fits"), make([]byte, p.MaxMessage()+1), []byte("not reached")})
		require.Equal(t, 1, n)
		require.Equal(t, shmpipe.ErrTooLarge, err)
		expect(t, c, "fits")
		_, err = c.TryReceive(nil)
		require.Equal(t, shmpipe.ErrEmpty, err)
	})
}

func TestLargeMessages_OfManyKilobytes(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		const size = 300_000
		pipe, _ := s.pipeOf(t, shmpipe.Geometry{Capacity: 1 << 20, MaxMessage: size}, shmpipe.Options{})
		c := consumer(t, pipe)
		p := producer(t, pipe)
		const n = 20
		done := make(chan error, 1)
		go func() {
			for i := range n {
				if err := p.Send(soon(t), pattern(size-i*1000, i)); err != nil {
					done <- err
					return
				}
			}
			done <- p.Close()
		}()
		for i := range n {
			m, err := c.Next(soon(t))
			require.NoError(t, err)
			require.True(t, bytes.Equal(pattern(size-i*1000, i), m.Bytes()), "message %d", i)
		}
		_, err := c.Next(soon(t))
		require.Equal(t, io.EOF, err)
		require.NoError(t, <-done)
	})
}

func TestAShortBufferLeavesTheMessage(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		send(t, p, "long message", "next")
		for range 2 {
			n, err := c.Receive(soon(t), make([]byte, 4))
			require.Equal(t, io.ErrShortBuffer, err)
			require.Equal(t, len("long message"), n)
		}
		expect(t, c, "long message", "next")
	})
}

func TestWhatAShortBufferLeft_IsForTheNextConsumer(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, _ := s.pipe(t, shmpipe.Options{})
		p, c := producer(t, pipe), consumer(t, pipe)
		send(t, p, "long message", "next")
		_, err := c.Receive(soon(t), make([]byte, 4))
		require.Equal(t, io.ErrShortBuffer, err)
		require.NoError(t, c.Close())
		expect(t, consumer(t, pipe), "long message", "next")
	})
}
