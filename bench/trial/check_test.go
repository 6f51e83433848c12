package trial

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPattern_IsWhatTheContractSays(t *testing.T) {
	p := Pattern(200)
	require.Equal(t, make([]byte, 8), p[:8])
	require.Equal(t, byte(7), p[8])
	require.Equal(t, byte(7), p[63])
	require.Equal(t, byte(7+37), p[64])
	require.Equal(t, byte(7+3*37), p[199])
}

func TestSum_ReachesEveryLine(t *testing.T) {
	require.Zero(t, Sum(Pattern(15)))
	p := make([]byte, 200)
	for _, at := range []int{8, 72, 136, 199} {
		p[at] = 1
		require.NotZero(t, Sum(p), "byte %d", at)
		p[at] = 0
	}
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
	require.NoError(t, c.End())
	parts[0].sum++
	c.Join(parts)
	require.Error(t, c.End())
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
