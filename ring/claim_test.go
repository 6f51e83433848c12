package ring

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func TestClaim_GivesThePlaceOfTheMessage(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	space, o := p.Claim(11)
	require.Equal(t, Done, o)
	require.Len(t, space, 11)
	require.Equal(t, 11, cap(space), "there must be no room to append")
	require.Same(t, &m.Data[protocol.FrameHeaderSize], &space[0])
	n, held := p.Claimed()
	require.True(t, held)
	require.EqualValues(t, 11, n)

	copy(space, "hello world")
	p.Commit(11, 3)
	_, held = p.Claimed()
	require.False(t, held)
	require.Zero(t, load(m, protocol.OffTail), "not yet published")
	p.Publish()
	require.Equal(t, []byte{11, 0, 0, 0, 3, 0, 0, 1}, m.Data[:8])
	require.EqualValues(t, 24, load(m, protocol.OffTail))
	require.EqualValues(t, 1, load(m, protocol.OffSent))
	require.EqualValues(t, 11, load(m, protocol.OffSentBytes))
	receive(t, c, []byte("hello world"), 3)
}

func TestCommit_OfLessThanClaimedUsesNoMoreThanThat(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	for i, n := range []uint64{100, 8, 1, 0} {
		space, o := p.Claim(100)
		require.Equal(t, Done, o)
		copy(space, pattern(100, byte(i)))
		p.Commit(n, uint16(i))
	}
	p.Publish()
	require.EqualValues(t, 112+16+16+8, load(m, protocol.OffTail))
	require.EqualValues(t, 4, load(m, protocol.OffSent))
	require.EqualValues(t, 109, load(m, protocol.OffSentBytes))
	for i, n := range []int{100, 8, 1, 0} {
		receive(t, c, pattern(100, byte(i))[:n], uint16(i))
	}
}

func TestAbort_MovesNothing(t *testing.T) {
	for _, at := range []uint64{0, small - 64} { // the second claim would need padding
		m, p, c := newRing(t, small, at)
		before := clone(m)
		_, o := p.Claim(500)
		require.Equal(t, Done, o)
		require.Equal(t, before, m, "a claim is invisible")
		p.Abort()
		_, held := p.Claimed()
		require.False(t, held)
		require.EqualValues(t, 1, load(m, protocol.OffProducerCounters+8*protocol.CounterAborts))
		p.Publish()
		require.Equal(t, before.Data, m.Data)
		require.Equal(t, at, load(m, protocol.OffTail))
		require.Zero(t, load(m, protocol.OffSent))

		send(t, p, 40) // where the claim was, and before the end of the data
		require.Equal(t, at+48, load(m, protocol.OffTail))
		receive(t, c, pattern(40, 0), 0)
	}
}

func TestClaim_AcrossTheEndWritesThePaddingOnlyWhenItIsCommitted(t *testing.T) {
	m, p, c := newRing(t, small, small-64)
	before := bytes.Clone(m.Data)
	space, o := p.Claim(100)
	require.Equal(t, Done, o)
	require.Same(t, &m.Data[8], &space[0], "a message does not wrap")
	require.Equal(t, before, m.Data)
	copy(space, pattern(100, 5))
	p.Commit(16, 6) // would fit before the end now, but that is not where the bytes are
	p.Publish()
	require.Equal(t, []byte{56, 0, 0, 0, 0, 0, 1, 1}, m.Data[small-64:small-56])
	require.EqualValues(t, small+24, load(m, protocol.OffTail))
	receive(t, c, pattern(100, 5)[:16], 6)
}

func TestClaim_BehindUnpublishedMessagesIsPublishedWithThem(t *testing.T) {
	_, p, c := newRing(t, small, 0)
	require.Equal(t, Done, p.Put([]byte("one"), 1))
	space, o := p.Claim(3)
	require.Equal(t, Done, o)
	copy(space, "two")
	p.Commit(3, 2)
	require.Equal(t, Done, p.Put([]byte("three"), 3))
	_, _, o = c.Next()
	require.Equal(t, Empty, o)
	p.Publish()
	receive(t, c, []byte("one"), 1)
	receive(t, c, []byte("two"), 2)
	receive(t, c, []byte("three"), 3)
}

func TestClaim_TakesTheLastByteOfTheCredit(t *testing.T) {
	_, p, c := newRing(t, small, 0)
	send(t, p, 2040)
	_, o := p.Claim(2041)
	require.Equal(t, TooLarge, o)
	_, o = p.Claim(2040)
	require.Equal(t, Done, o)
	p.Commit(2032, 0)
	_, o = p.Claim(1)
	require.Equal(t, Full, o)
	_, o = p.Claim(0)
	require.Equal(t, Done, o)
	p.Commit(0, 0)
	require.Equal(t, Full, p.Put(nil, 0))
	p.Publish()
	receive(t, c, pattern(2040, 0), 0)
}
