package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	shareOf = ending{whole: true, drained: true}
	allOf   = ending{whole: true, drained: true, sole: true}
)

// shared checks numbers of a generator that makes ten, as a consumer of a ring with many. Negative ones are flagged as redelivered.
func shared(e ending, numbers ...int) verifyReport {
	v := newShareVerifier(1 << 20)
	for _, n := range numbers {
		flagged := n < 0
		if flagged {
			n = -n
		}
		s, isGenerated, intact := readStamp(generated(uint64(n))[0])
		v.check(s, isGenerated, intact, flagged)
	}
	return v.finish(e)
}

func TestVerifyShare_AcceptsGapsAsLongAsNumbersRise(t *testing.T) {
	r := shared(shareOf, 1, 2, 5, 9)
	require.True(t, r.OK, r.First)
	require.True(t, r.Share)
	require.Contains(t, r.String(), "4 messages of 1 generator, a share of all, 0 twice or out of order")
}

func TestVerifyShare_FindsWhatCameTwice(t *testing.T) {
	for _, numbers := range [][]int{{3, 3}, {1, 2, 3, 4, 2}, {1, 5, -3, 4, 5}} {
		r := shared(shareOf, numbers...)
		require.False(t, r.OK, "%v", numbers)
		require.Equal(t, uint64(1), r.Twice, "%v", numbers)
		require.Contains(t, r.First, "came twice")
	}
}

func TestVerifyShare_FindsWhatIsOutOfOrder(t *testing.T) {
	r := shared(shareOf, 1, 5, 3, 6)
	require.False(t, r.OK)
	require.Equal(t, uint64(1), r.Twice)
	require.Contains(t, r.First, "number 3 of generator 0000000000000007 came out of order, after 5")
}

func TestVerifyShare_AcceptsWhatIsRedelivered(t *testing.T) {
	require.True(t, shared(shareOf, 1, 5, -3, 6).OK, "another's")
	require.True(t, shared(shareOf, 1, 5, -1, 6).OK, "one that was seen")
	require.True(t, shared(shareOf, 6, 7, -2, 3, 4, 8).OK, "with the rest of its batch")
	require.False(t, shared(shareOf, 6, 7, -2, 4, 8).OK, "which has no gap")
	require.False(t, shared(shareOf, 6, 7, -2, 3, 8, 4).OK, "and comes at once")
}

func TestVerifyShare_AcceptsAsManyStepsBackAsMessagesWereDropped(t *testing.T) {
	dropped := shareOf
	dropped.dropped = 1
	require.True(t, shared(dropped, 6, 7, 3, 4, 5, 8).OK, "the rest of a batch, whose number 2 was dropped")
	require.False(t, shared(dropped, 6, 7, 3, 4, 1, 8).OK)
}

func TestVerifyShare_IsStrictIfThisConsumerWasTheOnlyOne(t *testing.T) {
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	r := shared(allOf, all...)
	require.True(t, r.OK, r.First)
	require.False(t, r.Share)
	require.Contains(t, r.String(), "10 messages of 1 generator, 0 lost, 0 twice")
	require.True(t, shared(allOf, 0, 1, 2, -2, 3, 4, 5, 6, 7, 8, 9).OK, "again, flagged")

	r = shared(allOf, 0, 1, 4, 5, 6, 7, 8, 9)
	require.False(t, r.OK)
	require.Equal(t, uint64(2), r.Lost)
	require.Contains(t, r.First, "2 of the first 10 numbers of generator 0000000000000007 did not come")
	require.Equal(t, uint64(1), shared(allOf, all[1:]...).Lost, "the first")
	require.Equal(t, uint64(1), shared(allOf, all[:9]...).Lost, "the last")

	died := ending{drained: true, sole: true}
	require.True(t, shared(died, all[:5]...).OK, "its producer died before the rest")
	require.Equal(t, uint64(1), shared(died, 0, 1, 3, 4).Lost)
	require.True(t, shared(ending{sole: true}, 0, 1, 3, 4).OK, "others may yet come")
}

func TestVerifyShare_FindsDamage(t *testing.T) {
	v := newShareVerifier(1 << 20)
	msg := generated(0)[0]
	msg[50] ^= 1
	s, isGenerated, intact := readStamp(msg)
	v.check(s, isGenerated, intact, false)
	require.Equal(t, uint64(1), v.finish(shareOf).Damaged)
}
