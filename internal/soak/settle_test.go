//go:build linux

package soak_test

import (
	"context"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/check"
	"shmpipe/internal/crash"
	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
	"shmpipe/segment"
)

// settle is the end: all have left. A newcomer drains the ring, nothing in it is broken or held, nothing was lost, and the segment goes.
func (c *chaos) settle() crash.Totals {
	t := c.t
	r := c.ledger.NewReader()
	consumer, err := c.pipe.Consumer()
	require.NoError(t, err)
	buf := make([]byte, 64<<10)
	for {
		n, err := consumer.TryReceive(buf)
		if err == shmpipe.ErrEmpty {
			break
		}
		require.NoError(t, err)
		r.Got(buf[:n], consumer.Redelivered())
	}
	producer, err := c.pipe.Producer()
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(context.Background(), shmtest.Patience)
	defer cancel()
	for range 2 * c.capacity / 1000 { // more than a lap
		require.NoError(t, producer.Send(ctx, buf[:1000]))
		_, err := consumer.Receive(ctx, buf)
		require.NoError(t, err)
	}
	require.NoError(t, producer.Close())
	require.NoError(t, consumer.Close())

	seg := c.segment()
	for problem := range check.Segment(seg.Bytes(), seg.Held) {
		require.True(t, problem.Note, problem.String())
	}
	requireEmpty(t, seg)
	require.NoError(t, seg.Close())
	found, sum := c.ledger.Close()
	require.Empty(t, found, "the ledger")

	stats, err := c.pipe.Stats()
	require.NoError(t, err)
	require.False(t, stats.Poisoned)
	require.Zero(t, stats.Backlog)
	t.Log(stats)
	require.NoError(t, c.pipe.Close())
	if c.backend != shmpipe.Memfd {
		require.NoError(t, shmpipe.Remove(c.order.name, false, &shmpipe.Options{Backend: c.backend}))
		_, err := shmpipe.Open(c.order.name, &shmpipe.Options{Backend: c.backend})
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	return sum
}

// segment is the raw segment.
func (c *chaos) segment() *segment.Segment {
	if c.backend != shmpipe.Memfd {
		b, err := segment.ParseBackend(c.backend.String())
		require.NoError(c.t, err)
		s, err := segment.Open(b, c.order.name, segment.Options{})
		require.NoError(c.t, err)
		return s
	}
	f, err := c.pipe.File()
	require.NoError(c.t, err)
	defer f.Close()
	s, err := segment.OpenFile(f, segment.Options{})
	require.NoError(c.t, err)
	return s
}

// requireEmpty looks at a drained ring: nobody has anything in hand, and every place in it is free.
func requireEmpty(t *testing.T, seg *segment.Segment) {
	r := seg.Header().Rings[0]
	word := func(at uint64) (v uint64) {
		for i, b := range seg.Bytes()[at : at+8] {
			v |= uint64(b) << (8 * i)
		}
		return v
	}
	if r.Mode == protocol.SPSC {
		require.Equal(t, word(r.Control+protocol.OffTail), word(r.Control+protocol.OffCursor), "the tail, and the cursor")
		return
	}
	for i := range r.Granules() {
		w := protocol.Word(word(r.Control + protocol.WordsOffset(r.Participants) + 8*i))
		require.EqualValues(t, protocol.WordFree, w.State(), "word %d is %#x", i, uint64(w))
	}
}
