package report

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

func TestGlance_DividesSoThatMoreIsBetter(t *testing.T) {
	r := &result.Report{Complete: true}
	add := func(name, mode, wait, value string, figure float64) {
		r.Trials = append(r.Trials, result.Trial{Contestant: name, Key: result.Key{Mode: mode, Wait: wait, Size: 64}, FloorNS: 90, Values: map[string]float64{value: figure}})
	}
	add("shmpipe-posix", result.Throughput, result.Busy, result.MessagesPerSecond, 30e6)
	add("pipe", result.Throughput, result.Busy, result.MessagesPerSecond, 2e6)
	add("ring", result.Throughput, result.Busy, result.MessagesPerSecond, 60e6)
	add("shmpipe-posix", result.RoundTrip, result.Block, result.P50, 4000)
	add("pipe", result.RoundTrip, result.Block, result.P50, 10000)
	g := newBook(r).glance()
	require.Equal(t, "shmpipe-posix against each, cores near", g.title)
	require.Equal(t, "messages busy, 64 B", g.columns[0].head)
	require.Equal(t, "round trip blocking, 64 B", g.columns[1].head)
	require.Equal(t, "ring", g.rows[0].name, "who comes nearest is first")
	require.Equal(t, 0.5, g.rows[0].cells[0].value)
	require.Equal(t, 15.0, g.rows[1].cells[0].value)
	require.Equal(t, 2.5, g.rows[1].cells[1].value)
	require.Contains(t, terminalText(t, r, 80, false), "above 1, shmpipe is better")
	require.Empty(t, newBook(&result.Report{}).glance().rows)
}

func TestGlance_IsTheFirstTableOfATerminal(t *testing.T) {
	text := terminalText(t, fakeReport(t), 120, false)
	require.Less(t, strings.Index(text, "shmpipe-posix against each, cores near\n"), strings.Index(text, "Throughput, busy"))
}
