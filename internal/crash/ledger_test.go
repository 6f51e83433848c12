package crash_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/crash"
)

func newLedger(senders, each int) *crash.Ledger {
	words := make([]atomic.Uint64, crash.LedgerWords(senders, each))
	return crash.NewLedger(func(i int) crash.Word { return &words[i] }, senders, each)
}

func message(sender uint16, seq uint64, n int) []byte {
	buf := make([]byte, n)
	crash.Encode(buf, crash.Message{Sender: sender, Seq: seq, Began: 4711})
	return buf
}

func what(l *crash.Ledger) (names []string) {
	found, _ := l.Close()
	for _, f := range found {
		names = append(names, f.What)
	}
	return names
}

func TestMessage_TellsOfAnyByteThatChanges(t *testing.T) {
	for _, n := range []int{crash.MinMessage, 25, 31, 32, 100} {
		msg := message(3, 12345, n)
		m, whole := crash.Decode(msg)
		require.True(t, whole)
		require.Equal(t, crash.Message{Sender: 3, Seq: 12345, Began: 4711}, m)
		for i := range msg {
			msg[i] ^= 1
			_, whole = crash.Decode(msg)
			require.False(t, whole, "byte %d of %d", i, n)
			msg[i] ^= 1
		}
		_, whole = crash.Decode(msg[:n-1])
		require.False(t, whole, "cut")
	}
	a, b := message(1, 7, 128), message(1, 8, 128)
	copy(a[64:], b[64:])
	_, whole := crash.Decode(a)
	require.False(t, whole, "mixed")
}

func TestLedger_FindsNothingWrongWithWhatIsRight(t *testing.T) {
	l := newLedger(2, 32)
	r := l.NewReader()
	for range 20 {
		seq, ok := l.Begin(1, 1)
		require.True(t, ok)
		l.Sent(1, seq, 1)
		_, ok = r.Got(message(1, seq, 40), false)
		require.True(t, ok)
	}
	seq, _ := l.Begin(0, 2) // killed: the second was sent, the first perhaps
	_, ok := r.Got(message(0, seq+1, 40), true)
	require.True(t, ok)
	_, ok = r.Got(message(1, 3, 40), true) // again, and flagged
	require.True(t, ok)
	require.Empty(t, what(l))
	_, sum := l.Close()
	require.Equal(t, crash.Totals{Begun: 22, Sent: 20, Delivered: 21, Flagged: 2}, sum)
	_, ok = l.Begin(1, 13)
	require.False(t, ok, "there is space for 12 more")
	l.Clear()
	_, sum = l.Close()
	require.Zero(t, sum)
}

func TestLedger_FindsEachBreach(t *testing.T) {
	sent := func() (*crash.Ledger, *crash.Reader) {
		l := newLedger(2, 32)
		seq, _ := l.Begin(1, 20)
		l.Sent(1, seq, 20)
		r := l.NewReader()
		for seq := range uint64(20) {
			if seq != 17 {
				r.Got(message(1, seq, 40), false)
			}
		}
		return l, r
	}
	l, r := sent()
	require.Equal(t, []string{"lost: its Send has returned, and nobody got it"}, what(l))
	found, _ := l.Close()
	require.Equal(t, crash.Finding{What: found[0].What, Count: 1, Sender: 1, Seq: 17}, found[0])
	r.Got(message(1, 17, 40), false)
	require.Equal(t, []string{"delivered behind a later one of its sender, without the flag"}, what(l))

	l, r = sent()
	r.Got(message(1, 17, 40), true)
	require.Empty(t, what(l))
	l, r = sent()
	rest := make([]byte, 40)
	crash.Encode(rest, crash.Message{Sender: 1, Seq: 17, Batch: true})
	_, ok := r.Got(rest, false)
	require.True(t, ok, "the rest of a batch comes late")
	require.Empty(t, what(l))
	_, ok = l.NewReader().Got(message(1, 3, 40), false)
	require.False(t, ok)
	require.Equal(t, []string{"delivered twice without the flag"}, what(l))

	l, r = sent()
	r.Got(message(1, 17, 40), true)
	r.Got(message(1, 20, 40), false)
	r.Got(message(9, 0, 40), false)
	require.Equal(t, []string{"delivered, but never sent"}, what(l))

	l, r = sent()
	r.Got(message(1, 17, 40), true)
	r.Got(message(1, 18, 40)[1:], false)
	require.Equal(t, []string{"torn"}, what(l))
}
