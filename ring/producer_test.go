package ring

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func TestPut_WritesAHeaderAndThePayloadBehindTheTail(t *testing.T) {
	m, p, _ := newRing(t, small, 0)
	require.Equal(t, Done, p.Put([]byte("hello"), 0x1234))
	require.Equal(t, []byte{5, 0, 0, 0, 0x34, 0x12, 0, 1, 'h', 'e', 'l', 'l', 'o'}, m.Data[:13])
	require.Equal(t, Done, p.Put(nil, 0xffff))
	require.Equal(t, []byte{0, 0, 0, 0, 0xff, 0xff, 0, 1, 0xee}, m.Data[16:25], "an empty message is a header and no more")
}

func TestPut_IsInvisibleUntilPublish(t *testing.T) {
	m, p, c := newRing(t, small, 64)
	control := bytes.Clone(m.Control)
	for i := range 3 {
		require.Equal(t, Done, p.Put(pattern(10, byte(i)), uint16(i)))
	}
	require.Equal(t, control, m.Control, "nothing is stored that the consumer looks at")
	require.EqualValues(t, 3*24, p.Unpublished())
	_, _, o := c.Next()
	require.Equal(t, Empty, o)

	p.Publish()
	require.EqualValues(t, 64+3*24, load(m, protocol.OffTail))
	require.EqualValues(t, 3, load(m, protocol.OffSent))
	require.EqualValues(t, 30, load(m, protocol.OffSentBytes))
	require.Zero(t, p.Unpublished())
	for i := range 3 {
		receive(t, c, pattern(10, byte(i)), uint16(i))
	}
}

func TestSend_StoresWhatPutAndPublishDoWithAFenceOrWithout(t *testing.T) {
	want, p, _ := newRing(t, small, 0)
	require.Equal(t, Done, p.Put([]byte("abc"), 7))
	p.Publish()
	for _, fenced := range []bool{false, true} {
		m := newMemory(small)
		p, err := NewProducer(m, fenced)
		require.NoError(t, err)
		require.Equal(t, Done, p.Send([]byte("abc"), 7))
		require.Equal(t, want, m)
		require.Equal(t, TooLarge, p.Send(make([]byte, 3000), 7))
		require.Equal(t, want, m)
	}
}

func TestPut_PadsWhatIsLeftBeforeTheEnd(t *testing.T) {
	for _, c := range []struct {
		name    string
		rest    uint64
		padding []byte
	}{
		{"a header and sixteen bytes", 24, []byte{16, 0, 0, 0, 0, 0, 1, 1, 0xee}},
		{"a header and no more", 8, []byte{0, 0, 0, 0, 0, 0, 1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, p, consumer := newRing(t, small, small-c.rest)
			send(t, p, 24)
			require.True(t, bytes.HasPrefix(m.Data[small-c.rest:], c.padding), "% x", m.Data[small-c.rest:])
			require.Equal(t, []byte{24, 0, 0, 0, 0, 0, 0, 1}, m.Data[:8])
			require.EqualValues(t, small+32, load(m, protocol.OffTail))
			require.EqualValues(t, 1, load(m, protocol.OffSent), "padding is no message")
			require.EqualValues(t, 24, load(m, protocol.OffSentBytes))
			receive(t, consumer, pattern(24, 0), 0)
			require.EqualValues(t, small|protocol.CursorInHand, load(m, protocol.OffCursor))
		})
	}
}

func TestPut_FillsTheDataToItsLastByteWithoutPadding(t *testing.T) {
	m, p, c := newRing(t, small, small-24)
	send(t, p, 16)
	require.EqualValues(t, small, load(m, protocol.OffTail))
	require.Equal(t, pattern(16, 0), m.Data[small-16:])
	receive(t, c, pattern(16, 0), 0)
	send(t, p, 3)
	require.Equal(t, []byte{3, 0, 0, 0, 0, 0, 0, 1}, m.Data[:8])
	receive(t, c, pattern(3, 0), 0)
	require.EqualValues(t, small|protocol.CursorInHand, load(m, protocol.OffCursor))
}

func TestPut_CopiesEveryLengthAndTouchesNothingBehindTheFrame(t *testing.T) {
	for n := range 200 {
		m, p, c := newRing(t, small, 0)
		send(t, p, n)
		end := protocol.FrameSize(uint64(n))
		require.Equal(t, bytes.Repeat([]byte{0xee}, small-int(end)), m.Data[end:], "length %d", n)
		receive(t, c, pattern(n, 0), 0)
	}
}

func TestPut_TakesTheLargestMessageAtEveryOffsetOfAnEmptyRing(t *testing.T) {
	for off := uint64(0); off < small; off += protocol.FrameAlign {
		_, p, c := newRing(t, small, 5*small+off)
		require.Equal(t, Done, p.HasRoom(uint64(p.MaxMessage())), "offset %d", off)
		send(t, p, p.MaxMessage())
		receive(t, c, pattern(p.MaxMessage(), 0), 0)

		_, p, c = newRing(t, small, 5*small+off)
		space, o := p.Claim(uint64(p.MaxMessage()))
		require.Equal(t, Done, o, "offset %d", off)
		copy(space, pattern(p.MaxMessage(), 1))
		p.Commit(uint64(p.MaxMessage()), 9)
		p.Publish()
		receive(t, c, pattern(p.MaxMessage(), 1), 9)
	}
}

func TestPut_RefusesWhatIsTooLargeAndLeavesNoTrace(t *testing.T) {
	m := newMemory(small)
	m.MaxMessage = 100
	p, before := newProducer(t, m), clone(m)
	require.Equal(t, TooLarge, p.Put(make([]byte, 101), 0))
	_, o := p.Claim(101)
	require.Equal(t, TooLarge, o)
	require.Equal(t, TooLarge, p.HasRoom(101))
	require.Equal(t, TooLarge, p.AwaitRoom(1<<63, 3))
	p.Publish()
	require.Equal(t, before, m)
	require.NoError(t, p.Err())
	require.Equal(t, 100, p.MaxMessage())
	send(t, p, 100)
}

func TestPut_OnAFullRingLeavesNoTrace(t *testing.T) {
	for _, rest := range []uint64{0, 8, 16, 64} { // before the end of the data, so that there would be padding
		m, p, _ := newRing(t, small, small-rest-512)
		for p.Put(make([]byte, 504), 0) == Done {
		}
		p.Publish()
		before := clone(m)
		require.Equal(t, Full, p.Put(make([]byte, 504), 0))
		_, o := p.Claim(504)
		require.Equal(t, Full, o)
		_, held := p.Claimed()
		require.False(t, held)
		require.Equal(t, Full, p.HasRoom(504))
		require.Equal(t, Full, p.AwaitRoom(504, 5))
		require.Zero(t, p.Unpublished())
		p.Publish()
		require.Equal(t, before, m)
	}
}

// A hole before the end that a message fits, but not behind its padding at the start, must not be filled with padding.
func TestPut_DoesNotPadForAMessageThatDoesNotFitBehindThePadding(t *testing.T) {
	m, p, c := newRing(t, small, 1024)
	send(t, p, 2040, 1000) // up to 4080
	receive(t, c, pattern(2040, 0), 0)
	c.Rest() // 1024 bytes of credit at the start, with the frame in hand behind them
	require.EqualValues(t, 1024, load(m, protocol.OffHead))
	before := clone(m)
	require.Equal(t, Full, p.Put(make([]byte, 1024), 0), "16 of padding and 1032 are more than 1040")
	require.Equal(t, before, m)
	require.Equal(t, Done, p.Put(make([]byte, 8), 0), "what fits before the end still does")
}

func TestHasRoom_SaysWhatPutAndClaimDo(t *testing.T) {
	for off := uint64(0); off < small; off += 264 {
		_, p, c := newRing(t, small, off)
		for i := range 200 {
			n := uint64(i*i*7) % 900
			want := p.HasRoom(n)
			_, o := p.Claim(n)
			require.Equal(t, want, o)
			if o == Done {
				p.Abort()
			}
			require.Equal(t, want, p.Put(make([]byte, n), 0))
			p.Publish()
			if want == Full {
				for range 1 + i%3 {
					c.Next()
				}
				c.Rest()
			}
		}
	}
}

func TestAwaitRoom_SeesTheCreditThatComes(t *testing.T) {
	_, p, c := newRing(t, small, 0)
	send(t, p, 2040, 2040)
	require.Equal(t, Full, p.AwaitRoom(0, 10))
	receive(t, c, pattern(2040, 0), 0)
	require.Equal(t, Full, p.AwaitRoom(0, 10), "the message is in hand")
	c.Release()
	require.Equal(t, Done, p.AwaitRoom(2040, 1))
	require.Equal(t, Full, p.AwaitRoom(2040, 0), "without a look, it cannot know")
}

func TestDrained_HoldsWhenAllCreditCameBack(t *testing.T) {
	_, p, c := newRing(t, small, 800)
	require.True(t, p.Drained())
	require.Equal(t, Done, p.Put(make([]byte, 10), 0))
	require.True(t, p.Drained(), "what is not published does not count")
	p.Publish()
	require.False(t, p.Drained())
	require.Equal(t, Full, p.AwaitDrained(3))
	receive(t, c, make([]byte, 10), 0)
	c.Rest()
	require.False(t, p.Drained(), "the message is in hand")
	c.Release()
	c.Rest()
	require.True(t, p.Drained())
	require.Equal(t, Done, p.AwaitDrained(1))
}
