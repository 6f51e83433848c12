package trial

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPattern_IsWhatTheContractSays(t *testing.T) {
	p := Pattern(200)
	for at := range p {
		want := byte(7 + at/64*37)
		if at < 8 || at >= 64 && at < 72 || at >= 128 && at < 136 || at >= 192 { // stamps of message 0
			want = 0
		}
		require.Equal(t, want, p[at], "byte %d", at)
	}
}

func TestStamp_ReachesEveryLineWhereverAMessageLies(t *testing.T) {
	for _, size := range []int{8, 16, 64, 72, 120, 128, 136, 192, 200, 4096} {
		old, fresh := Pattern(size), Pattern(size)
		Stamp(fresh, 0x0101010101010101)
		for start := 0; start < line; start += 8 { // of the message in its first line
			for from := -start; from < size; from += line {
				stale := append([]byte(nil), fresh...)
				copy(stale[max(from, 0):], old[max(from, 0):min(from+line, size)])
				c := &Checker{size: size, next: 0x0101010101010101}
				require.Error(t, c.Check(stale), "size %d: old from byte %d to %d", size, from, from+line)
			}
		}
		require.NoError(t, (&Checker{size: size, next: 0x0101010101010101}).Check(fresh))
	}
}

func TestStamp_OfAnySizeIsReadBack(t *testing.T) {
	for size := 8; size < 300; size++ {
		for _, number := range []uint64{0, 1, 0x0123456789abcdef} {
			p := Pattern(size)
			Stamp(p, number)
			require.NoError(t, (&Checker{size: size, next: number}).Check(p), "%d bytes", size)
			require.ErrorContains(t, (&Checker{size: size, next: number + 1}).Check(p), "came, want")
		}
	}
}

func TestChecker_TellsTornFromStrange(t *testing.T) {
	c, p := NewChecker(200), Pattern(200)
	p[64] = 1
	require.ErrorContains(t, c.Check(p), "message 0 is torn")
	require.ErrorContains(t, c.Check(p[1:]), "message 0 has 199 bytes, want 200")
	Stamp(p, 3)
	require.ErrorContains(t, c.Check(p), "message 3 came, want 0")
}

func TestChecker_UnderALoadTellsTornFromLate(t *testing.T) {
	c, p := newLoadChecker(200, 2, 1000), Pattern(200)
	Stamp(p, uint64(due(5000, 0, 1000)))
	require.NoError(t, c.Check(p))
	binary.LittleEndian.PutUint64(p, uint64(due(5000, 1, 1000)))
	require.ErrorContains(t, c.Check(p), "message 1 is torn")
	Stamp(p, 17)
	require.ErrorContains(t, c.Check(p), "was due")
}

func TestChecker_JoinsWhatItsPartsSaw(t *testing.T) {
	c := NewChecker(64)
	parts := c.Split(3)
	msg := Pattern(64)
	for i := range uint64(7) {
		Stamp(msg, i/3)
		require.NoError(t, parts[i%3].Check(msg))
	}
	require.Error(t, parts[0].Check(msg), "a message twice")
	c.Join(parts)
	require.Equal(t, uint64(7), c.Seen())
}

func TestParse_ReadsTheEnvironment(t *testing.T) {
	t.Setenv("WAIT", "block")
	t.Setenv("CAP", "65536")
	t.Setenv("SAMPLES", "somewhere")
	t.Setenv("UNPINNED", "1")
	j, err := Parse([]string{"pipe", "thr", "64", "100", "16"})
	require.NoError(t, err)
	require.Equal(t, Job{Name: "pipe", Mode: Throughput, Size: 64, Count: 100, Extra: 16, Wait: Block, Capacity: 65536, Samples: "somewhere", Unpinned: true}, j)
	require.Equal(t, 16, j.Batch())
	t.Setenv("WAIT", "doze")
	_, err = Parse([]string{"pipe", "thr", "64", "100"})
	require.ErrorContains(t, err, "WAIT")
	t.Setenv("WAIT", "")
	t.Setenv("CAP", "")
	j, err = Parse([]string{"pipe", "rtt", "64", "100", "16"})
	require.NoError(t, err)
	require.Equal(t, 1, j.Batch())
	require.Equal(t, 4194304, j.Capacity)
}
