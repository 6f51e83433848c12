package report

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

// Who waits without any CPU time is the best there is, and must not be the one that is missing.
func TestBars_NameWhoNeedsNothing(t *testing.T) {
	chart := &bars{list: []bar{{name: "none", point: point{y: 0, low: 0, high: 0}}, {name: "some", point: point{y: 20, low: 10, high: 30}}}, unit: microShare}
	low, high := chart.span()
	require.Positive(t, low)
	require.Greater(t, high, 20.0)
	require.Contains(t, chart.words(), "none")

	r := &result.Report{Schema: result.Schema, Rounds: []result.Round{{}}}
	for name, idle := range map[string]float64{"shmpipe-posix": 0, "pipe": 30} {
		r.Trials = append(r.Trials, result.Trial{Contestant: name, Key: result.Key{Mode: result.Idle, Wait: result.Block}, Values: map[string]float64{result.IdleCPU: idle}})
	}
	b := newBook(r)
	found := false
	for _, l := range layouts {
		for _, p := range b.parts(l) {
			if l.mode != result.Idle {
				continue
			}
			for _, k := range p.keys {
				if c := b.barsChart(p, k); c != nil {
					found = true
					require.Len(t, c.list, 2)
				}
			}
		}
	}
	require.True(t, found)
}
