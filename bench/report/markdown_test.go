package report

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

var errBroken = errors.New("no paper")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func markdownText(t *testing.T, r *result.Report) string {
	t.Helper()
	var s strings.Builder
	require.NoError(t, Markdown(&s, r))
	return s.String()
}

// requireTables checks that all rows of each table have as many cells as its head.
func requireTables(t *testing.T, text string) {
	t.Helper()
	cells, tables := 0, 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		if cells == 0 {
			cells = n
			tables++
		}
		require.Equal(t, cells, n, line)
	}
	require.NotZero(t, tables)
}

func TestMarkdown_HasTablesOfEqualRows(t *testing.T) {
	text := markdownText(t, fakeReport(t))
	requireTables(t, text)
	for _, c := range fakeContests {
		require.Contains(t, text, "| "+c.name+" |")
	}
	require.Regexp(t, `\| \*\*\d+\*\* \[\d+\.\.\d+\] \|`, text, "the best is bold, with its interval")
	require.Contains(t, text, "### Absent\n\n- iceoryx2: the library is not installed\n")
	require.NotContains(t, text, "> **NOT CLEAN", "it is")
}

func TestMarkdown_ComparesWithEachOtherInTheSameRound(t *testing.T) {
	text := markdownText(t, fakeReport(t))
	require.Contains(t, text, "Throughput, busy, cores near: shmpipe-posix ÷ other, in the same round:\n")
	require.Contains(t, text, "Round trip, busy, p50, cores near: shmpipe-posix ÷ other, in the same round:\n")
	require.Contains(t, text, "| ÷ pipe |")
	require.NotContains(t, text, "÷ shmpipe-posix")
}

func TestMarkdown_EscapesWhatComesFromTheReport(t *testing.T) {
	r := fakeReport(t)
	r.Dirt = []string{"a|b <script>*x*"}
	for i := range r.Trials {
		if r.Trials[i].Contestant == "pipe" {
			r.Trials[i].Contestant = "pi|pe<b>"
		}
	}
	text := markdownText(t, r)
	requireTables(t, text)
	require.Contains(t, text, `> **NOT CLEAN: a\|b &lt;script&gt;\*x\***`)
	require.Contains(t, text, `| pi\|pe&lt;b&gt; |`)
}

func TestSmall_ShowsWhatRanAndTheMachine(t *testing.T) {
	r := fakeReport(t)
	var s strings.Builder
	require.NoError(t, Small(&s, r))
	text := s.String()
	requireTables(t, text)
	require.True(t, strings.HasPrefix(text, "| | messages, 64 B, M/s | messages, 4 KiB, M/s | round trip busy, 64 B, µs | "+
		"round trip blocking, 64 B, µs | CPU per message, 64 B, ns |\n"), text)
	for _, name := range []string{"shmpipe-posix", "shmpipe-mpmc-posix", "pipe", "unix-stream", "posix-mq", "sysv-mq", "tcp-loopback", "gvisor-pipe", "zmq", "grpc"} {
		require.Contains(t, text, "\n| "+name+" | ")
	}
	require.NotContains(t, text, "iceoryx2")
	require.Less(t, strings.Index(text, "| shmpipe-posix"), strings.Index(text, "| pipe"))
	require.Contains(t, text, "\nAMD EPYC (family 26), 2 CPUs")
	require.Contains(t, text, "cores near.\n")
}

func TestSmall_MarksTheBestOfEachColumnInItsOwnOrder(t *testing.T) {
	b := newBook(fakeReport(t))
	g := b.smallGrid()
	require.Len(t, g.columns, 5)
	for i, c := range g.columns {
		for _, r := range g.rows {
			if r.cells[i].ok {
				require.LessOrEqual(t, compareCells(g.rows[c.best].cells[i], r.cells[i], c.m.more), 0, "column %s", c.head)
			}
		}
	}
}

func TestSmall_TakesTheNearestSizeThatWasMeasured(t *testing.T) {
	r := &result.Report{Complete: true, Trials: []result.Trial{
		{Contestant: "shmpipe", Key: result.Key{Mode: result.Throughput, Wait: result.Block, Size: 128}, Values: map[string]float64{result.MessagesPerSecond: 5e6}},
	}}
	var s strings.Builder
	require.NoError(t, Small(&s, r))
	require.Contains(t, s.String(), "messages, 128 B, M/s")
	require.Contains(t, s.String(), "| shmpipe | 5.00 |")
	require.NotContains(t, s.String(), "round trip")
	s.Reset()
	require.NoError(t, Small(&s, &result.Report{}))
	require.Contains(t, s.String(), "No figures.\n")
}
