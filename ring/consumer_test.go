package ring

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

const inHand = protocol.CursorInHand

func TestNext_StoresInOneWordWhatIsFinishedAndWhatIsInHand(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	send(t, p, 5, 0, 20) // frames at 0, 16 and 24, up to 56
	words := func() []uint64 {
		return []uint64{load(m, protocol.OffCursor), load(m, protocol.OffReceived), load(m, protocol.OffReceivedBytes)}
	}
	require.Equal(t, []uint64{0, 0, 0}, words())
	require.False(t, c.Held())
	receive(t, c, pattern(5, 0), 0)
	require.Equal(t, []uint64{0 | inHand, 0, 0}, words())
	require.True(t, c.Held())
	receive(t, c, pattern(0, 1), 1)
	require.Equal(t, []uint64{16 | inHand, 1, 5}, words())
	c.Release()
	require.Equal(t, []uint64{24, 2, 5}, words())
	c.Release()
	require.Equal(t, []uint64{24, 2, 5}, words(), "there is nothing to release")
	receive(t, c, pattern(20, 2), 2)
	require.Equal(t, []uint64{24 | inHand, 2, 5}, words())
	_, _, o := c.Next()
	require.Equal(t, Empty, o)
	require.Equal(t, []uint64{56, 3, 25}, words())
	require.False(t, c.Held())
}

func TestReturn_MakesTheNextNextDeliverTheSameMessage(t *testing.T) {
	for at, first := range map[uint64]uint64{0: 0, small - 16: small} { // the second with padding before the first message
		m, p, c := newRing(t, small, at)
		send(t, p, 20, 30)
		c.Return() // nothing in hand: nothing happens
		require.Equal(t, at, load(m, protocol.OffCursor))
		for range 3 {
			receive(t, c, pattern(20, 0), 0)
			require.Equal(t, first|inHand, load(m, protocol.OffCursor))
			c.Return()
			require.Equal(t, first, load(m, protocol.OffCursor))
			require.False(t, c.Held())
			require.Zero(t, load(m, protocol.OffReceived))
		}
		receive(t, c, pattern(20, 0), 0)
		require.False(t, c.Redelivered(), "nobody died")
		receive(t, c, pattern(30, 1), 1)
		c.Return()
		require.EqualValues(t, 1, load(m, protocol.OffReceived))
		receive(t, c, pattern(30, 1), 1)
		c.Release()
		require.EqualValues(t, 2, load(m, protocol.OffReceived))
		require.EqualValues(t, 50, load(m, protocol.OffReceivedBytes))
	}
}

func TestNext_ReturnsCreditAnEighthAtATime(t *testing.T) {
	m := newMemory(small)
	credits := 0
	var c *Consumer
	c, err := NewConsumer(m, func() {
		credits++
		require.Equal(t, c.credited, load(m, protocol.OffHead), "the head is stored before the callback")
	})
	require.NoError(t, err)
	p := newProducer(t, m)
	for range 30 {
		require.Equal(t, Done, p.Put(make([]byte, 120), 0))
	}
	p.Publish()
	for i := range uint64(30) {
		receive(t, c, make([]byte, 120), 0)
		require.Equal(t, i*128/512*512, load(m, protocol.OffHead), "after message %d", i)
		require.EqualValues(t, i*128/512, credits)
	}
	c.Release() // the thirtieth: 3840 finished, of which 3584 are given back
	require.EqualValues(t, 3584, load(m, protocol.OffHead))
	c.Rest()
	require.EqualValues(t, 3840, load(m, protocol.OffHead))
	require.Equal(t, 8, credits)
	c.Rest()
	require.Equal(t, 8, credits, "nothing to give back, nobody to wake")
}

func TestRelease_ReturnsCreditAnEighthAtATimeToo(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	send(t, p, 504, 8)
	receive(t, c, pattern(504, 0), 0)
	require.Zero(t, load(m, protocol.OffHead))
	c.Release()
	require.EqualValues(t, 512, load(m, protocol.OffHead))
	receive(t, c, pattern(8, 1), 1)
	c.Release()
	require.EqualValues(t, 512, load(m, protocol.OffHead))
}

func TestRest_ReturnsAllCreditButTheFrameInHand(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	send(t, p, 8, 8)
	receive(t, c, pattern(8, 0), 0)
	c.Rest()
	require.Zero(t, load(m, protocol.OffHead))
	require.EqualValues(t, 0|inHand, load(m, protocol.OffCursor))
	receive(t, c, pattern(8, 1), 1)
	c.Rest()
	require.EqualValues(t, 16, load(m, protocol.OffHead))
	require.EqualValues(t, 16|inHand, load(m, protocol.OffCursor))
	require.True(t, c.Held())
	c.Release()
	c.Rest()
	require.EqualValues(t, 32, load(m, protocol.OffHead))
	require.EqualValues(t, 32, load(m, protocol.OffCursor))
}

func TestNext_ReturnsAllCreditWhenItFindsNothing(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	send(t, p, 8)
	receive(t, c, pattern(8, 0), 0)
	_, _, o := c.Next()
	require.Equal(t, Empty, o)
	require.EqualValues(t, 16, load(m, protocol.OffHead))
}

func TestNext_LooksAtTheTailOnlyWhenWhatItKnowsOfIsUsedUp(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	send(t, p, 8, 8)
	receive(t, c, pattern(8, 0), 0)
	store(m, protocol.OffTail, 12345) // would be a breach
	receive(t, c, pattern(8, 1), 1)
	_, _, o := c.Next()
	require.Equal(t, Broken, o)
}

func TestNext_DeliversEmptyMessagesAndEveryType(t *testing.T) {
	_, p, c := newRing(t, small, small-1024)
	for i := range 16 {
		require.Equal(t, Done, p.Put([]byte{}, 1<<i))
	}
	require.Equal(t, Done, p.Put(nil, 0xffff))
	p.Publish()
	for i := range 16 {
		receive(t, c, []byte{}, 1<<i)
		require.True(t, c.Held())
	}
	receive(t, c, []byte{}, 0xffff)
}

// Our producer publishes padding together with the message behind it; another implementation may not.
func TestNext_TakesPaddingThatComesAlone(t *testing.T) {
	m, _, c := newRing(t, small, small-32)
	*frameWord(m, small-32) = protocol.FrameHeader(24, 0, protocol.FramePadding)
	store(m, protocol.OffTail, small)
	_, _, o := c.Next()
	require.Equal(t, Empty, o)
	require.EqualValues(t, small, load(m, protocol.OffCursor))
	c.Rest()
	require.EqualValues(t, small, load(m, protocol.OffHead))
	p := newProducer(t, m)
	send(t, p, 7)
	receive(t, c, pattern(7, 0), 0)

	// And with the message there by the time that the consumer looks again.
	m = memoryAt(small, small-32)
	c = newConsumer(t, m)
	*frameWord(m, small-32) = protocol.FrameHeader(24, 0, protocol.FramePadding)
	store(m, protocol.OffTail, small)
	c.Look(1, true)
	*frameWord(m, small) = protocol.FrameHeader(0, 77, 0)
	store(m, protocol.OffTail, small+8)
	receive(t, c, []byte{}, 77)
}

func TestBacklog_IsWhatIsCommittedAndNotDelivered(t *testing.T) {
	_, p, c := newRing(t, small, 4000)
	require.Zero(t, c.Backlog())
	send(t, p, 8, 200) // 16, then 80 of padding and 208
	require.EqualValues(t, 16+80+208, c.Backlog())
	c.Next()
	require.EqualValues(t, 80+208, c.Backlog())
	c.Return()
	require.EqualValues(t, 16+80+208, c.Backlog())
	c.Next()
	c.Next()
	require.Zero(t, c.Backlog())
}

func TestLook_FindsWhatIsPublishedAndGivesUpAfterSoManyLooks(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	require.Equal(t, Empty, c.Look(3, true))
	require.Equal(t, Empty, c.Look(0, false))
	send(t, p, 8, 8)
	require.Equal(t, Done, c.Look(1, true))
	receive(t, c, pattern(8, 0), 0)
	require.Equal(t, Done, c.Look(0, false), "one is left")
	receive(t, c, pattern(8, 1), 1)
	c.Slept()
	require.Equal(t, Empty, c.Look(1, true))
	require.EqualValues(t, 16, load(m, protocol.OffHead), "the first look of a wait gives credit back")
	require.True(t, c.Held(), "and leaves alone what is in hand")
}

func TestCount_AddsToOneCounterOfTheCallersOwn(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	before := bytes.Clone(m.Control)
	p.Count(protocol.CounterWaits)
	p.Count(protocol.CounterWaits)
	c.Count(protocol.CounterWakes)
	le.PutUint64(before[protocol.OffProducerCounters+8*protocol.CounterWaits:], 2)
	le.PutUint64(before[protocol.OffConsumerCounters+8*protocol.CounterWakes:], 1)
	require.Equal(t, before, m.Control)
}

func TestNewProducerAndNewConsumer_RefuseMemoryThatIsNoRing(t *testing.T) {
	for _, c := range []struct {
		want string
		edit func(*Memory)
	}{
		{"control block has 4095 bytes, want 4096", func(m *Memory) { m.Control = m.Control[:4095] }},
		{"control block has 0 bytes", func(m *Memory) { m.Control = nil }},
		{"data has 0 bytes, want a power of two", func(m *Memory) { m.Data = nil }},
		{"data has 2048 bytes", func(m *Memory) { m.Data = m.Data[:2048] }},
		{"data has 8184 bytes", func(m *Memory) { m.Data = m.Data[:8184] }},
		{"largest message is 0 bytes, want 1 to 4088", func(m *Memory) { m.MaxMessage = 0 }},
		{"largest message is 4089 bytes", func(m *Memory) { m.MaxMessage = 4089 }},
		{"aligned", func(m *Memory) { m.Data = m.Data[4 : 4+4096]; m.MaxMessage = 8 }},
		{"aligned", func(m *Memory) { m.Control = append(alignedBytes(8), m.Control...)[1:] }},
	} {
		m := newMemory(2 * small)
		c.edit(&m)
		_, err := NewProducer(m, false)
		require.ErrorContains(t, err, c.want)
		_, err = NewConsumer(m, func() {})
		require.ErrorContains(t, err, c.want)
	}
}

func TestOutcome_HasANameForEach(t *testing.T) {
	for o, name := range map[Outcome]string{Done: "done", Full: "full", Empty: "empty", TooLarge: "too large", Broken: "broken"} {
		require.Equal(t, name, o.String())
	}
}
