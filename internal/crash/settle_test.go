//go:build seam && linux

package crash_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/futex"
	"shmpipe/internal/check"
	"shmpipe/internal/crash"
	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
	"shmpipe/segment"
)

// settle is the end of a case: all have left, and somebody comes anew. It drains the ring, uses it, leaves, and then everything must be
// as it should.
func (s *stage) settle(t *testing.T, pipe *shmpipe.Pipe, o order) (shmpipe.Stats, uint64) {
	seg, err := segment.Open(segment.POSIX, o.name, segment.Options{})
	require.NoError(t, err)
	defer seg.Close()
	s.checkWhole(t, seg)

	limit, cancel := context.WithTimeout(context.Background(), shmtest.Patience)
	defer cancel()
	a := &actor{board: s.board, order: o, sender: senderNewcomer, random: shmtest.NewRand(o.seed), pipe: pipe, buf: make([]byte, 4096),
		reader: s.board.ledger.NewReader(), giveUp: limit}
	c, err := pipe.Consumer()
	require.NoError(t, err)
	a.drain(t, c)
	p, err := pipe.Producer()
	require.NoError(t, err)
	for sent := uint64(0); sent < 2*capacity; {
		seq, ok := a.ledger.Begin(a.sender, 1)
		require.True(t, ok)
		msg := a.message(a.buf, crash.Message{Seq: seq, Began: futex.Now()}, longMessage)
		sent += onRing(o.mode, len(msg))
		require.NoError(t, p.Send(limit, msg))
		a.ledger.Sent(a.sender, seq, 1)
		a.drain(t, c)
	}
	require.NoError(t, p.Close())
	require.NoError(t, c.Close())

	s.checkWhole(t, seg)
	requireEmpty(t, seg)
	found, sum := s.board.ledger.Close()
	require.Empty(t, found)
	stats, err := pipe.Stats()
	require.NoError(t, err)
	require.False(t, stats.Poisoned)
	return stats, sum.Delivered
}

// drain receives whatever is there.
func (a *actor) drain(t *testing.T, c *shmpipe.Consumer) {
	for {
		n, err := c.TryReceive(a.buf)
		if err == shmpipe.ErrEmpty {
			return
		}
		require.NoError(t, err)
		a.note(a.buf[:n], c.Redelivered())
	}
}

// checkWhole walks the segment: nothing may be broken.
func (s *stage) checkWhole(t *testing.T, seg *segment.Segment) {
	for problem := range check.Segment(seg.Bytes(), seg.Held) {
		require.True(t, problem.Note, problem.String())
	}
}

// requireEmpty looks at a drained ring: nobody has anything in hand, and every place in it is free.
func requireEmpty(t *testing.T, seg *segment.Segment) {
	r := seg.Header().Rings[0]
	if r.Mode == protocol.SPSC {
		cursor, tail := word(seg, r.Control+protocol.OffCursor), word(seg, r.Control+protocol.OffTail)
		require.Equal(t, tail, cursor, "the tail, and the cursor")
		return
	}
	for i := range r.Granules() {
		w := protocol.Word(word(seg, r.Control+protocol.WordsOffset(r.Participants)+8*i))
		require.EqualValues(t, protocol.WordFree, w.State(), "word %d is %#x", i, uint64(w))
	}
}

func word(seg *segment.Segment, at uint64) uint64 {
	var v uint64
	for i, b := range seg.Bytes()[at : at+8] {
		v |= uint64(b) << (8 * i)
	}
	return v
}
