package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// generated makes the messages with these numbers, of one generator that makes ten.
func generated(numbers ...uint64) (msgs [][]byte) {
	g := &generator{id: 7, total: 10}
	for _, n := range numbers {
		b := make([]byte, 100)
		g.fill(b, n, 0)
		msgs = append(msgs, b)
	}
	return msgs
}

// verified checks messages. Again has the indexes of those that are flagged as redelivered.
func verified(late bool, msgs [][]byte, whole bool, again ...int) verifyReport {
	v := newVerifier(late)
	for i, b := range msgs {
		flagged := false
		for _, a := range again {
			flagged = flagged || a == i
		}
		s, generated, intact := readStamp(b)
		v.check(s, generated, intact, flagged)
	}
	return v.finish(ending{whole: whole, drained: whole})
}

func TestVerify_AcceptsEveryNumberOnceInOrder(t *testing.T) {
	r := verified(false, generated(0, 1, 2, 3, 4, 5, 6, 7, 8, 9), true)
	require.True(t, r.OK, r.First)
	require.Equal(t, uint64(10), r.Messages)
	require.Equal(t, 1, r.Generators)
}

func TestVerify_FindsWhatIsLost(t *testing.T) {
	r := verified(false, generated(0, 1, 4, 5, 6, 7, 8, 9), true)
	require.False(t, r.OK)
	require.Equal(t, uint64(2), r.Lost)
	require.Contains(t, r.First, "number 4 of generator 0000000000000007 came where 2 should have come")

	r = verified(false, generated(1, 2, 3, 4, 5, 6, 7, 8, 9), true)
	require.Equal(t, uint64(1), r.Lost, "the first")

	r = verified(false, generated(0, 1, 2, 3, 4, 5, 6), true)
	require.Equal(t, uint64(3), r.Lost, "the last")
	require.False(t, r.OK)
	require.True(t, verified(false, generated(0, 1, 2, 3, 4, 5, 6), false).OK, "the rest may yet come")
}

func TestVerify_FindsWhatCameTwiceOrOutOfOrder(t *testing.T) {
	r := verified(false, generated(0, 1, 1, 2), false)
	require.False(t, r.OK)
	require.Equal(t, uint64(1), r.Twice)

	r = verified(false, generated(0, 2, 1, 3), false)
	require.False(t, r.OK)
	require.Equal(t, uint64(1), r.Twice)
	require.Equal(t, uint64(1), r.Lost)
}

func TestVerify_AcceptsOneRedeliveredMessageOnlyIfItIsFlagged(t *testing.T) {
	require.True(t, verified(false, generated(0, 1, 1, 2), false, 2).OK)
	require.False(t, verified(false, generated(0, 1, 2, 1, 3), false, 3).OK, "it is not the last one")
	require.True(t, verified(false, generated(4, 5), false, 0).OK, "a successor begins with the one that was in hand")
}

func TestVerify_LetsALateConsumerBeginWhereItBegins(t *testing.T) {
	require.True(t, verified(true, generated(3, 4, 5, 6, 7, 8, 9), true).OK)
	require.False(t, verified(true, generated(3, 5), false).OK)
}

func TestVerify_FindsEveryFlippedByte(t *testing.T) {
	for i := range 100 {
		msgs := generated(0)
		msgs[0][i] ^= 0x20
		r := verified(false, msgs, false)
		require.False(t, r.OK, "byte %d", i)
		require.Equal(t, uint64(1), r.Damaged+r.Foreign, "byte %d", i)
	}
}

func TestVerify_FindsAMessageTornFromTwo(t *testing.T) {
	a, b := generated(0)[0], generated(1)[0]
	r := verified(false, [][]byte{append(a[:50:50], b[50:]...)}, false)
	require.Equal(t, uint64(1), r.Damaged)
}

func TestVerify_FindsWhatIsNotGenerated(t *testing.T) {
	r := verified(false, [][]byte{[]byte("hello"), make([]byte, 100), nil}, false)
	require.Equal(t, uint64(3), r.Foreign)
	require.False(t, r.OK)
}

func TestVerify_TellsGeneratorsApart(t *testing.T) {
	other := &generator{id: 8, total: 1}
	b := make([]byte, stampSize)
	other.fill(b, 0, 0)
	r := verified(false, append(generated(0, 1), b), false)
	require.True(t, r.OK, r.First)
	require.Equal(t, 2, r.Generators)
}

func TestLatency_ReportsPercentilesInMicroseconds(t *testing.T) {
	l := newLatency()
	for i := range int64(1000) {
		l.add((i + 1) * 1000)
	}
	r := l.report()
	require.InDelta(t, 500, r.Percentiles["p50"], 1)
	require.InDelta(t, 990, r.Percentiles["p99"], 2)
	require.InDelta(t, 1000, r.Max, 2)
	require.Contains(t, r.table(), "p99.9")
	l.add(-5) // clocks may differ by a microsecond
	require.Equal(t, int64(1001), l.report().Messages)
	require.Equal(t, int64(0), newLatency().report().Messages)
}
