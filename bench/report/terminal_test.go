package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

func terminalText(t *testing.T, r *result.Report, width int, color bool) string {
	t.Helper()
	var s strings.Builder
	require.NoError(t, Terminal(&s, r, width, color))
	return s.String()
}

func TestTerminal_NamesTheMachineAndSaysCleanInTheFirstLine(t *testing.T) {
	first, _, _ := strings.Cut(terminalText(t, fakeReport(t), 120, false), "\n")
	require.Equal(t, "AMD EPYC (family 26), 2 CPUs, L2 1 MiB, L3 32 MiB, Linux 6.18, go1.26.8, clock tsc, pinned, shmpipe v0.3.0: CLEAN", first)
}

func TestTerminal_SaysWhyFiguresAreNotClean(t *testing.T) {
	r := fakeReport(t)
	r.Complete, r.Dirt = false, []string{"a compiler took 40 % of the processors"}
	r.Rounds = r.Rounds[:3]
	first, _, _ := strings.Cut(terminalText(t, r, 120, false), "\n")
	require.Contains(t, first, "NOT CLEAN: incomplete: interrupted in round 3 of 7; a compiler took 40 % of the processors")
}

func TestTerminal_HasEveryTableContestantAndReason(t *testing.T) {
	text := terminalText(t, fakeReport(t), 0, false)
	for _, c := range fakeContests {
		require.Contains(t, text, c.name)
	}
	for _, want := range []string{"Throughput, busy, cores near\n", "Throughput, busy, cores far\n", "Throughput, blocking, cores near\n",
		"Throughput, busy, batches of 16, cores near\n", "CPU time per message, busy, cores near\n", "Round trip, busy, cores near\n",
		"Round trip, blocking, cores far\n", "Latency under load, busy, 64 B, cores near\n", "Waiting for nothing\n", "First message\n",
		"System calls per message\n", "Many producers, many consumers, busy, 64 B, cores near\n", "Many channels, blocking, 64 B, cores near\n",
		"iceoryx2: the library is not installed\n", "nng: throughput busy, 1 MiB; throughput blocking, 1 MiB: exit status 1: message 17 is torn\n",
		"vyukov: throughput busy, 1 MiB; throughput blocking, 1 MiB: a message has at most 65536 bytes\n"} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "Bandwidth", "it follows from the throughput")
	require.NotContains(t, text, "\x1b")
}

func TestTerminal_KeepsToTheWidth(t *testing.T) {
	tables, _, _ := strings.Cut(terminalText(t, fakeReport(t), 80, false), "\nFailed\n")
	for i, line := range strings.Split(tables, "\n") {
		if strings.Contains(line, ". ") || i == 0 {
			continue // sentences are wrapped by the terminal
		}
		require.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
	}
}

func TestTerminal_ColoursTheBestIfAsked(t *testing.T) {
	text := terminalText(t, fakeReport(t), 120, true)
	require.Contains(t, text, "\x1b[1;32mCLEAN\x1b[0m")
	require.Regexp(t, `\x1b\[1;32m[0-9.]+\* +±\d+%\x1b\[0m`, text)
	require.Contains(t, text, "\x1b[31mfailed\x1b[0m")
}

func TestTerminal_DoesNotObeyTheReport(t *testing.T) {
	r := fakeReport(t)
	r.Host.CPU = "a\x1b[2Jb\nc"
	r.Trials[0].Contestant = "evil\x07\x1b]0;x"
	r.Absent[0].Why = "line\r\nbreak"
	text := terminalText(t, r, 120, false)
	require.NotContains(t, text, "\x1b")
	require.NotContains(t, text, "\x07")
	require.Contains(t, text, "a?[2Jb c, 2 CPUs")
	require.Contains(t, text, "iceoryx2: line break\n")
}

func TestTerminal_PrintsAReportWithoutTrials(t *testing.T) {
	text := terminalText(t, &result.Report{Schema: result.Schema}, 80, false)
	require.Contains(t, text, "NOT CLEAN: incomplete")
	require.Contains(t, text, "no figures\n")
}

func TestTerminal_ReturnsTheErrorOfItsWriter(t *testing.T) {
	require.ErrorIs(t, Terminal(brokenWriter{}, fakeReport(t), 80, false), errBroken)
	require.ErrorIs(t, Markdown(brokenWriter{}, fakeReport(t)), errBroken)
	require.ErrorIs(t, Small(brokenWriter{}, fakeReport(t)), errBroken)
}
