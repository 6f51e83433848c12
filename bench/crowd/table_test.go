package crowd

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// subcommand is what leads from this test binary to Main.
var subcommand = []string{"crowd", "within"}

// ran is an outcome of a million messages.
func ran(name string, s shape, round int, floor float64, took time.Duration) outcome {
	return outcome{result{job{Name: name, Shape: s, Size: 64, Count: 1_000_000 / s.Producers}, 0, took, 2 * took}, round, floor, nil}
}

func TestTable_ComparesWithinARound(t *testing.T) {
	one, two := shape{1, 1}, shape{2, 2}
	all := []outcome{
		ran("mpmc", two, 0, 100, 25*time.Millisecond), ran("vyukov", two, 0, 100, 50*time.Millisecond), // 40 and 20: 2
		ran("mpmc", two, 1, 100, 100*time.Millisecond), ran("vyukov", two, 1, 100, 100*time.Millisecond), // 10 and 10: 1
		ran("mpmc", two, 2, 100, 200*time.Millisecond), ran("vyukov", two, 2, 100, 50*time.Millisecond), // 5 and 20: 0.25
		ran("alone", one, 0, 100, 10*time.Millisecond),
	}
	require.Equal(t, `| | 1x1, 64 B | 2x2, 64 B |
|---|---|---|
| vyukov |  | **20** [15..20] n=3 |
| alone | **100** [100..100] n=1 |  |
| mpmc |  | **10** [7.5..25] n=3 |
| *alone ÷ vyukov* |  |  |
| *mpmc ÷ vyukov* |  | **1** [0.625..1.5] n=3 |
`, table(all, "vyukov", measures[0]))
	require.Contains(t, table(all, "vyukov", measures[1]), "| vyukov |  | **100** [100..150] n=3 |", "ns of CPU time a message")
}

func TestReport_KeepsNearAndFarApartAndNamesFailures(t *testing.T) {
	one := shape{1, 1}
	failed := ran("spsc", one, 3, 100, 0)
	failed.err = errors.New("spsc 1x1: lost")
	text := report([]outcome{
		ran("vyukov", one, 0, 100, time.Second), ran("vyukov", one, 1, 500, time.Second), ran("vyukov", one, 2, 0, time.Second), failed,
	}, "vyukov")
	for _, title := range []string{"cores near", "cores far", "raw round trip not measured"} {
		for _, m := range measures {
			require.Contains(t, text, m.title+", "+title)
		}
	}
	require.Contains(t, text, "- round 3: spsc 1x1: lost\n")
	require.NotContains(t, text, "| spsc |")
}

func TestComparison_RunsEachContestantOnceARoundWhereItCan(t *testing.T) {
	c, _, err := parseComparison([]string{"-contests", "vyukov-yield,spsc", "-shapes", "1x1,2x1", "-sizes", "8,128", "-rounds", "2", "-messages", "4000", "-ring", "65536"}, io.Discard)
	require.NoError(t, err)
	c.launch.prefix = subcommand
	require.Equal(t, 2000, c.of("spsc", shape{1, 1}, 128).Count)
	require.Equal(t, 2000, c.of("vyukov", shape{2, 2}, 64).Count)
	require.Equal(t, 1000, c.of("vyukov", shape{4, 4}, 1<<20).Count)
	type key struct {
		name   string
		column column
		round  int
	}
	seen := make(map[key]int)
	for _, o := range c.run(context.Background(), rand.New(rand.NewPCG(1, 2))) {
		require.NoError(t, o.err)
		seen[key{o.Name, o.column(), o.round}]++
	}
	require.Len(t, seen, 2*2*(2+1))
	for k, n := range seen {
		require.Equal(t, 1, n, "%+v", k)
	}
}

func TestComparison_RejectsMistakesBeforeItStarts(t *testing.T) {
	for _, args := range [][]string{{"-contests", "x"}, {"-shapes", "2"}, {"-sizes", "7"}, {"-sizes", "a"}, {"-ring", "1"}} {
		_, _, err := parseComparison(args, io.Discard)
		require.Error(t, err, "%v", args)
	}
}
