//go:build linux

package shmpipe_test

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// vandal writes into a segment as a peer that has gone mad could: through the file, which is the same memory.
type vandal struct {
	t    *testing.T
	file *os.File
	ring protocol.Ring
}

func newVandal(t *testing.T, pipe *shmpipe.Pipe) *vandal {
	f, err := os.OpenFile(pathOf(t, pipe), os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	head := make([]byte, protocol.HeaderSize+protocol.RingEntrySize)
	_, err = f.ReadAt(head, 0)
	require.NoError(t, err)
	st, err := f.Stat()
	require.NoError(t, err)
	h, err := protocol.Parse(head, uint64(st.Size()))
	require.NoError(t, err)
	return &vandal{t, f, h.Rings[0]}
}

func (v *vandal) write(at, word uint64) {
	_, err := v.file.WriteAt(binary.LittleEndian.AppendUint64(nil, word), int64(at))
	require.NoError(v.t, err)
}

func (v *vandal) control(offset, word uint64) { v.write(v.ring.Control+offset, word) }

// requireCorrupt checks an error about a ring that breaks the protocol.
func requireCorrupt(t *testing.T, pipe *shmpipe.Pipe, err error, what string) {
	t.Helper()
	require.ErrorIs(t, err, shmpipe.ErrCorrupt, what)
	var c *shmpipe.CorruptError
	require.ErrorAs(t, err, &c, what)
	require.ErrorContains(t, err, pathOf(t, pipe), "the error names the object")
	require.ErrorContains(t, err, "remove the segment", "the error says what to do")
}

var wild = []uint64{1, 7, 4096 + 8, 1 << 20, 1 << 62, math.MaxUint64, math.MaxUint64 - 7, 1 << 63}

func TestCorrupt_TailIsNoticedByTheConsumer(t *testing.T) {
	for _, word := range wild {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
		p, c := producer(t, pipe), consumer(t, pipe)
		v := newVandal(t, pipe)
		send(t, p, "a")
		receive(t, c, "a")
		v.control(protocol.OffTail, word)
		_, err := c.TryReceive(make([]byte, 10))
		requireCorrupt(t, pipe, err, "TryReceive")
		_, err = c.Receive(soon(t), nil)
		requireCorrupt(t, pipe, err, "Receive")
		_, err = c.TryPoll(1, nil)
		requireCorrupt(t, pipe, err, "TryPoll")
		require.True(t, stats(t, pipe).Poisoned)
		// The producer learns of it when it looks, which is when its credit is used up.
		for err = nil; err == nil; {
			err = p.TrySend(make([]byte, 1000))
		}
		requireCorrupt(t, pipe, err, "TrySend")
		requireCorrupt(t, pipe, p.Send(soon(t), make([]byte, 1000)), "Send")
		require.NoError(t, errors.Join(c.Close(), p.Close()))
		_, err = pipe.Consumer()
		requireCorrupt(t, pipe, err, "Consumer")
		_, err = pipe.Producer()
		requireCorrupt(t, pipe, err, "Producer")
	}
}

func TestCorrupt_HeadIsNoticedByTheProducer(t *testing.T) {
	for _, word := range wild {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
		p, c := producer(t, pipe), consumer(t, pipe)
		v := newVandal(t, pipe)
		n := fill(t, p)
		v.control(protocol.OffHead, word)
		requireCorrupt(t, pipe, p.TrySend(make([]byte, 1000)), "TrySend")
		requireCorrupt(t, pipe, p.Send(soon(t), make([]byte, 1000)), "Send")
		_, err := p.TryClaim(1000)
		requireCorrupt(t, pipe, err, "TryClaim")
		_, err = p.SendBatch(ctx, texts(1, 1000))
		requireCorrupt(t, pipe, err, "SendBatch")
		buf := make([]byte, 1000)
		for range n {
			if _, err = c.TryReceive(buf); err != nil {
				break
			}
		}
		_, err = c.Receive(soon(t), buf)
		requireCorrupt(t, pipe, err, "Receive, after what was there")
	}
}

func TestCorrupt_FrameIsNoticedByTheConsumer(t *testing.T) {
	for what, word := range map[string]uint64{
		"zero":                 0,
		"version":              protocol.FrameHeader(1, 0, 0) ^ 1<<63,
		"unknown flag":         protocol.FrameHeader(1, 0, 0x80),
		"longer than the tail": protocol.FrameHeader(100, 0, 0),
		"longest":              protocol.FrameHeader(math.MaxUint32, 0, 0),
		"padding":              protocol.FrameHeader(0, 0, protocol.FramePadding),
		"all ones":             math.MaxUint64,
	} {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
		p, c := producer(t, pipe), consumer(t, pipe)
		v := newVandal(t, pipe)
		send(t, p, "a")
		v.write(v.ring.Data, word)
		_, err := c.TryReceive(make([]byte, 10))
		requireCorrupt(t, pipe, err, what)
		_, err = c.TryNext()
		requireCorrupt(t, pipe, err, what)
		require.True(t, stats(t, pipe).Poisoned, what)
	}
}

// Who is asleep must learn of it too.
func TestCorrupt_EndsAWait(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Wait: w})
		p, c := producer(t, pipe), consumer(t, pipe)
		v := newVandal(t, pipe)
		n := fill(t, p)
		require.Positive(t, n)
		result := make(chan error, 1)
		go func() { result <- p.Send(soon(t), make([]byte, 1000)) }()
		time.Sleep(moment)
		v.write(v.ring.Data, 0)
		start := time.Now()
		_, err := c.TryReceive(make([]byte, 1000))
		requireCorrupt(t, pipe, err, "the consumer finds it")
		requireCorrupt(t, pipe, <-result, "and the producer learns of it")
		require.Less(t, time.Since(start), asLongAsALostWakeUp)
	})
}

// Whatever stands in the control words, nothing panics, hangs or faults.
func TestCorrupt_RandomControlWordsNeverPanic(t *testing.T) {
	random := shmtest.Rand(t)
	for range scale(2000) {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
		p, c := producer(t, pipe), consumer(t, pipe)
		v := newVandal(t, pipe)
		buf := make([]byte, 4096)
		for range 20 {
			switch random.IntN(6) {
			case 0:
				v.control(uint64(random.IntN(protocol.OffPoison/8))*8, random.Uint64()>>random.IntN(64))
			case 1:
				v.write(v.ring.Data+uint64(random.IntN(512))*8, random.Uint64()>>random.IntN(64))
			case 2:
				_, _ = c.TryReceive(buf)
			case 3:
				_, _ = c.TryPoll(3, func([]byte) error { return nil })
			default:
				_ = p.TrySend(buf[:random.IntN(2000)])
			}
		}
		_, _ = pipe.Stats()
		_, err := pipe.Info()
		require.NoError(t, err)
		shmtest.Within(t, shmtest.Patience, "Close", func() {
			require.NoError(t, errors.Join(p.Close(), c.Close()))
		})
		if p, err = pipe.Producer(); err == nil {
			_ = p.TrySend(buf[:100])
			require.NoError(t, p.Close())
		}
		require.NoError(t, pipe.Close())
	}
}
