package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

const start = 3 * small // where the rings of these tests begin

func TestConsumer_FindsATailThatBreaksTheProtocol(t *testing.T) {
	for name, tail := range map[string]uint64{
		"behind what was seen": start,
		"misaligned":           start + 112 + 4,
		"beyond the capacity":  start + small + 8,
		"zero":                 0,
		"all ones":             ^uint64(0),
	} {
		t.Run(name, func(t *testing.T) {
			m, p, c := newRing(t, small, start)
			send(t, p, 100)
			receive(t, c, pattern(100, 0), 0)
			store(m, protocol.OffTail, tail)
			_, _, o := c.Next()
			requireBroken(t, m, o, c.Err(), "tail at 0x0 is")
			require.Equal(t, Broken, c.Look(5, true))
			require.False(t, c.Glance())
		})
	}
}

func TestProducer_FindsAHeadThatBreaksTheProtocol(t *testing.T) {
	for name, head := range map[string]uint64{
		"behind what was seen": start - 8,
		"misaligned":           start + 1,
		"beyond the tail":      start + 4096 + 8,
		"zero":                 0,
		"all ones":             ^uint64(0),
	} {
		t.Run(name, func(t *testing.T) {
			m, p, _ := newRing(t, small, start)
			send(t, p, 2040, 2040)
			store(m, protocol.OffHead, head)
			requireBroken(t, m, p.Put(nil, 0), p.Err(), "head at 0x80 is")
			_, o := p.Claim(0)
			require.Equal(t, Broken, o)
			require.Equal(t, Broken, p.HasRoom(0))
			require.Equal(t, Broken, p.AwaitRoom(0, 5))
		})
	}
}

func TestConsumer_FindsAFrameThatBreaksTheProtocol(t *testing.T) {
	const at = start + small - 512 // of the second frame; the data ends 512 bytes behind it
	for name, c := range map[string]struct {
		header uint64
		field  string
	}{
		"memory nobody wrote":                {0, "frame version"},
		"version 2":                          {2 << 56, "frame version"},
		"unknown flag":                       {protocol.FrameHeader(8, 0, 2), "frame flags"},
		"unknown flag with padding":          {protocol.FrameHeader(504, 0, 3), "frame flags"},
		"beyond the tail":                    {protocol.FrameHeader(300, 0, 0), "want 0 to 248"},
		"beyond the end of the data":         {protocol.FrameHeader(505, 0, 0), "frame length"},
		"beyond all":                         {protocol.FrameHeader(1<<32-1, 0, 0), "frame length"},
		"beyond the message limit":           {protocol.FrameHeader(121, 0, 0), "want 0 to 120"},
		"padding that ends early":            {protocol.FrameHeader(8, 0, protocol.FramePadding), "padding length"},
		"padding of nearly all there can be": {protocol.FrameHeader(1<<32-1, 0, protocol.FramePadding), "padding length"},
		"padding beyond the tail":            {protocol.FrameHeader(504, 0, protocol.FramePadding), "padding length"},
	} {
		t.Run(name, func(t *testing.T) {
			m := memoryAt(small, at-16)
			m.MaxMessage = 120
			p, consumer := newProducer(t, m), newConsumer(t, m)
			send(t, p, 8, 120, 120)
			*frameWord(m, at) = c.header
			receive(t, consumer, pattern(8, 0), 0)
			_, _, o := consumer.Next()
			requireBroken(t, m, o, consumer.Err(), c.field)
			require.False(t, consumer.Held())
		})
	}
}

func TestConsumer_FindsPaddingBehindPadding(t *testing.T) {
	m := memoryAt(small, start-64)
	c := newConsumer(t, m)
	*frameWord(m, start-64) = protocol.FrameHeader(56, 0, protocol.FramePadding)
	*frameWord(m, start) = protocol.FrameHeader(small-8, 0, protocol.FramePadding)
	store(m, protocol.OffTail, start-64+small)
	_, _, o := c.Next()
	require.Equal(t, Broken, o)
	requireCorrupt(t, c.Err())
}

func TestAttach_FindsPositionsThatBreakTheProtocol(t *testing.T) {
	for name, c := range map[string]struct {
		tail, head, cursor uint64
		field              string
		producer           bool // the producer notices too
	}{
		"head beyond the tail":           {start, start + 8, start, "head at 0x80", true},
		"more than the capacity":         {start + small + 8, start, start, "head at 0x80", true},
		"cursor before the head":         {start + 64, start + 32, start, "cursor at 0x100", false},
		"cursor behind the tail":         {start + 64, start, start + 72, "cursor at 0x100", false},
		"frame in hand behind the tail":  {start + 64, start, start + 64 | 1, "cursor (a frame in hand behind the tail)", false},
		"misaligned tail":                {start + 4, start, start, "tail at 0x0", true},
		"misaligned head":                {start + 16, start + 4, start + 8, "head at 0x80", true},
		"misaligned cursor":              {start + 16, start, start + 2, "cursor at 0x100", false},
		"positions that no ring reaches": {1<<64 - 8, 1<<64 - 4096, 1<<64 - 4096, "tail at 0x0", true},
		"positions that went round":      {16, 1<<64 - 64, 1<<64 - 64, "head at 0x80", true},
		"a head before the first byte":   {0, 1<<64 - 4096, 0, "head at 0x80", true},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory(small)
			set := func() {
				store(m, protocol.OffTail, c.tail)
				store(m, protocol.OffHead, c.head)
				store(m, protocol.OffCursor, c.cursor)
				store(m, protocol.OffPoison, 0)
			}
			set()
			_, err := NewConsumer(m, func() {})
			requireBroken(t, m, Broken, err, c.field)
			set()
			_, err = NewProducer(m, false)
			if c.producer {
				requireBroken(t, m, Broken, err, " at 0x")
			} else {
				require.NoError(t, err)
			}
		})
	}
}

func TestPoison_StopsTheOtherSideAndWhoComesLater(t *testing.T) {
	m, p, c := newRing(t, small, start)
	send(t, p, 2040, 2040)
	receive(t, c, pattern(2040, 0), 0)
	require.Equal(t, Full, p.Put(nil, 0))
	store(m, protocol.OffTail, 1) // the consumer knows of one more message
	receive(t, c, pattern(2040, 1), 1)
	_, _, o := c.Next()
	requireBroken(t, m, o, c.Err(), "tail")
	requireBroken(t, m, p.Put(nil, 0), p.Err(), "poison word (another participant found the ring broken) at 0x380 is 1")
	require.Equal(t, Broken, p.AwaitDrained(2))
	_, err := NewProducer(m, false)
	requireBroken(t, m, Broken, err, "poison word")
	_, err = NewConsumer(m, func() {})
	requireBroken(t, m, Broken, err, "poison word")

	m, p, c = newRing(t, small, start)
	send(t, p, 2040, 2000)
	store(m, protocol.OffHead, 1)
	requireBroken(t, m, p.Put(make([]byte, 80), 0), p.Err(), "head")
	receive(t, c, pattern(2040, 0), 0)
	receive(t, c, pattern(2000, 1), 1) // what was committed before is still good
	_, _, o = c.Next()
	requireBroken(t, m, o, c.Err(), "poison word")
	require.Equal(t, Broken, c.Look(1, true))
}

// The other side may repair what it broke. We have told our caller already, and do not go back on it.
func TestBroken_IsForGood(t *testing.T) {
	m, p, c := newRing(t, small, start)
	send(t, p, 8, 8)
	good := *frameWord(m, start)
	*frameWord(m, start) = 0
	_, _, o := c.Next()
	requireBroken(t, m, o, c.Err(), "frame version")
	first := c.Err()
	*frameWord(m, start) = good
	store(m, protocol.OffPoison, 0)
	for range 3 {
		_, _, o = c.Next()
		require.Equal(t, Broken, o)
		require.Same(t, first, c.Err())
	}

	m, p, c = newRing(t, small, start)
	send(t, p, 8)
	receive(t, c, pattern(8, 0), 0)
	store(m, protocol.OffTail, start)
	_, _, o = c.Next()
	requireBroken(t, m, o, c.Err(), "tail")
	store(m, protocol.OffPoison, 0)
	store(m, protocol.OffTail, start+24)
	*frameWord(m, start+16) = protocol.FrameHeader(0, 0, 0)
	_, _, o = c.Next()
	require.Equal(t, Broken, o)
	require.Equal(t, Broken, c.Look(1, false))

	m, p, _ = newRing(t, small, start)
	send(t, p, 2040, 2040)
	store(m, protocol.OffHead, 5)
	requireBroken(t, m, p.Put(nil, 0), p.Err(), "head")
	store(m, protocol.OffHead, start+small)
	store(m, protocol.OffPoison, 0)
	require.Equal(t, Broken, p.Put(nil, 0))
	require.Equal(t, Broken, p.HasRoom(0))

	_, p, _ = newRing(t, small, start)
	send(t, p, 2040, 1000)
	store(p.mem, protocol.OffHead, 5)
	require.Equal(t, Broken, p.Put(make([]byte, 1500), 0))
	store(p.mem, protocol.OffHead, start)
	require.Equal(t, Broken, p.Put(nil, 0), "there is credit, but nothing is put into a broken ring")
}

// While the last frame of the data is in hand, a look may find frames behind the end. They must not make room for a frame in hand that has
// grown when it is put back.
func TestReturn_DoesNotLetTheFrameGrowBeyondTheEndOfTheData(t *testing.T) {
	m := memoryAt(small, start+small-32)
	p, c := newProducer(t, m), newConsumer(t, m)
	send(t, p, 24)
	receive(t, c, pattern(24, 0), 0)
	send(t, p, 500)
	require.Equal(t, Done, c.Look(1, true))
	c.Return()
	*frameWord(m, start+small-32) = protocol.FrameHeader(400, 0, 0)
	_, _, o := c.Next()
	requireBroken(t, m, o, c.Err(), "frame length")
}
