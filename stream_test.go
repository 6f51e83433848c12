//go:build linux

package shmpipe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// noReaderFrom and noWriterTo hide the methods that save a copy.
type (
	noReaderFrom struct{ io.Writer }
	noWriterTo   struct{ io.Reader }
)

func randomBytes(t testing.TB, n int) []byte {
	r := shmtest.Rand(t)
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// transfer copies data through a ring: in by Write or ReadFrom, out by Read or WriteTo.
func transfer(t *testing.T, data []byte, block int, readFrom, writeTo bool, wrap func(io.Reader) io.Reader) []byte {
	p, c := pair(t, shmpipe.Options{})
	done := make(chan error, 1)
	go func() {
		var to io.Writer = shmpipe.NewWriter(soon(t), p, block)
		if !readFrom {
			to = noReaderFrom{to}
		}
		n, err := io.Copy(to, wrap(bytes.NewReader(data)))
		if err == nil && n != int64(len(data)) {
			err = errors.New("short copy")
		}
		done <- errors.Join(err, p.Close())
	}()
	var from io.Reader = shmpipe.NewReader(soon(t), c)
	if !writeTo {
		from = noWriterTo{from}
	}
	var out bytes.Buffer
	n, err := io.Copy(&out, from)
	require.NoError(t, err)
	require.Equal(t, int64(out.Len()), n)
	require.NoError(t, <-done)
	return out.Bytes()
}

func TestStream_CarriesTheSameBytesOnAllFourWays(t *testing.T) {
	data := randomBytes(t, 200_000)
	wraps := map[string]func(io.Reader) io.Reader{
		"plain":    func(r io.Reader) io.Reader { return struct{ io.Reader }{r} },
		"half":     iotest.HalfReader,
		"data err": iotest.DataErrReader,
	}
	for name, wrap := range wraps {
		for _, readFrom := range []bool{false, true} {
			for _, writeTo := range []bool{false, true} {
				for _, block := range []int{0, 1000} {
					require.True(t, bytes.Equal(data, transfer(t, data, block, readFrom, writeTo, wrap)),
						"%s, ReadFrom %v, WriteTo %v, block %d", name, readFrom, writeTo, block)
				}
			}
		}
	}
	require.True(t, bytes.Equal(data[:3000], transfer(t, data[:3000], 0, true, true, iotest.OneByteReader)))
	require.Empty(t, transfer(t, nil, 0, true, true, iotest.OneByteReader))
}

func TestReader_IsAnIOReader(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 64 << 10}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	data := randomBytes(t, 10_000)
	w := shmpipe.NewWriter(ctx, p, 777)
	n, err := w.Write(data)
	require.NoError(t, err)
	require.Equal(t, len(data), n)
	send(t, p, "", "") // empty messages are no bytes
	require.NoError(t, p.Close())
	require.NoError(t, iotest.TestReader(shmpipe.NewReader(ctx, c), data))
}

func TestReader_MixesReadAndWriteTo(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "hello ", "world")
	require.NoError(t, p.Close())
	r := shmpipe.NewReader(ctx, c)
	var head [3]byte
	_, err := io.ReadFull(r, head[:])
	require.NoError(t, err)
	n, err := r.Read(nil)
	require.NoError(t, err)
	require.Zero(t, n)
	var rest bytes.Buffer
	_, err = r.WriteTo(&rest)
	require.NoError(t, err)
	require.Equal(t, "hello world", string(head[:])+rest.String())
}

func TestReader_WriteToKeepsWhatTheWriterDidNotTake(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "0123456789")
	require.NoError(t, p.Close())
	r := shmpipe.NewReader(ctx, c)
	var out bytes.Buffer
	n, err := r.WriteTo(iotest.TruncateWriter(&out, 4)) // takes four and claims ten, as it does
	require.NoError(t, err)
	require.Equal(t, int64(10), n)

	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c = producer(t, pipe), consumer(t, pipe)
	send(t, p, "0123456789")
	r = shmpipe.NewReader(ctx, c)
	out.Reset()
	n, err = r.WriteTo(&shortWriter{&out, 4})
	require.Equal(t, io.ErrShortWrite, err)
	require.Equal(t, int64(4), n)
	require.Zero(t, stats(t, pipe).Received)
	require.NoError(t, p.Close())
	_, err = r.WriteTo(&out)
	require.NoError(t, err)
	require.Equal(t, "0123456789", out.String())
	require.Equal(t, uint64(1), stats(t, pipe).Received)

	for _, count := range []int{-1, 99} {
		p, c := pair(t, shmpipe.Options{})
		send(t, p, "abc")
		_, err = shmpipe.NewReader(ctx, c).WriteTo(liar(count))
		require.ErrorContains(t, err, "invalid count")
	}
}

type shortWriter struct {
	w     io.Writer
	limit int
}

func (s *shortWriter) Write(b []byte) (int, error) { return s.w.Write(b[:min(len(b), s.limit)]) }

type liar int

func (l liar) Write([]byte) (int, error) { return int(l), nil }

func TestWriter_SendsWhatWasReadBeforeAnError(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	broken := errors.New("broken disk")
	n, err := shmpipe.NewWriter(ctx, p, 0).ReadFrom(io.MultiReader(bytes.NewReader([]byte("some")), iotest.ErrReader(broken)))
	require.Equal(t, broken, err)
	require.Equal(t, int64(4), n)
	receive(t, c, "some")
	send(t, p, "no claim is left held")
	receive(t, c, "no claim is left held")
}

func TestWriter_SaysHowMuchWasSentWhenTheConsumerLeaves(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	w := shmpipe.NewWriter(ctx, p, 10)
	require.NoError(t, c.Close())
	n, err := w.Write(make([]byte, 25))
	require.Equal(t, shmpipe.ErrPeerClosed, err)
	require.Zero(t, n)
	_, err = w.ReadFrom(bytes.NewReader(make([]byte, 25)))
	require.Equal(t, shmpipe.ErrPeerClosed, err)
}

func TestStream_ContextEndsBothSides(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	stop, cancel := context.WithCancel(ctx)
	cancel()
	_, err := shmpipe.NewReader(stop, c).Read(make([]byte, 1))
	require.Equal(t, context.Canceled, err)
	_, err = shmpipe.NewReader(stop, c).WriteTo(io.Discard)
	require.Equal(t, context.Canceled, err)
	n := fill(t, p)
	sent, err := shmpipe.NewWriter(stop, p, 1000).Write(make([]byte, 5000))
	require.Equal(t, context.Canceled, err)
	require.Zero(t, sent)
	require.Positive(t, n)
}

func TestReader_ErrorOfAWriterIsReturned(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "abc")
	pr, pw := io.Pipe()
	require.NoError(t, pr.Close())
	_, err := shmpipe.NewReader(ctx, c).WriteTo(pw)
	require.Equal(t, io.ErrClosedPipe, err)
}

type panicker struct{}

func (panicker) Write([]byte) (int, error) { panic("writer") }

// Nobody can release the message that a Reader holds, so Close must not wait for that.
func TestReader_ThatIsDroppedMidMessageDoesNotKeepTheRole(t *testing.T) {
	for name, use := range map[string]func(r *shmpipe.Reader){
		"read":  func(r *shmpipe.Reader) { _, _ = r.Read(make([]byte, 1)) },
		"error": func(r *shmpipe.Reader) { _, _ = r.WriteTo(liar(-1)) },
		"panic": func(r *shmpipe.Reader) { require.Panics(t, func() { _, _ = r.WriteTo(panicker{}) }) },
	} {
		t.Run(name, func(t *testing.T) {
			pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
			p, c := producer(t, pipe), consumer(t, pipe)
			send(t, p, "abc", "def")
			r := shmpipe.NewReader(ctx, c)
			use(r)
			require.NoError(t, c.Close())
			_, err := r.Read(make([]byte, 1))
			require.Equal(t, shmpipe.ErrClosed, err)
			receive(t, consumer(t, pipe), "def")
		})
	}
}
