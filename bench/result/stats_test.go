package result

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

// The coverage of these intervals is in tables of order statistics: 96.9 % for 6 values, 97.9 % for 10, 95.9 % for 20, 96.5 % for 100.
func TestMedianInterval_IsThatOfTheTables(t *testing.T) {
	for _, c := range []struct{ n, k int }{{1, 1}, {2, 1}, {5, 1}, {6, 1}, {8, 1}, {9, 2}, {10, 2}, {12, 3}, {15, 4}, {20, 6}, {30, 10}, {100, 40}, {5000, 2431}} {
		v := make([]float64, c.n)
		for i := range v {
			v[i] = float64(i + 1)
		}
		low, high := MedianInterval(v)
		require.Equal(t, float64(c.k), low, "n=%d", c.n)
		require.Equal(t, float64(c.n+1-c.k), high, "n=%d", c.n)
	}
}

func TestMedianConfidence_IsThatOfTheTables(t *testing.T) {
	for n, want := range map[int]float64{0: 0, 1: 0, 2: 0.5, 3: 0.75, 5: 0.9375, 6: 0.96875, 10: 0.9785, 20: 0.9586, 100: 0.9648} {
		require.InDelta(t, want, MedianConfidence(n), 1e-4, "n=%d", n)
	}
	for n := 6; n < 500; n++ {
		require.GreaterOrEqual(t, MedianConfidence(n), Confidence)
	}
}

func TestBinomialHalf_SumsToOne(t *testing.T) {
	require.InDelta(t, 10.0/1024, binomialHalf(10, 1), 1e-12)
	sum := 0.0
	for k := range 2001 {
		sum += binomialHalf(2000, k)
	}
	require.InDelta(t, 1, sum, 1e-9)
}

var (
	k64  = Key{Mode: Throughput, Wait: Busy, Size: 64}
	k128 = Key{Mode: Throughput, Wait: Busy, Size: 128}
)

func made(contestant string, k Key, round int, floor, rate float64) Trial {
	return Trial{Contestant: contestant, Key: k, Round: round, FloorNS: floor, Values: map[string]float64{MessagesPerSecond: rate}}
}

func TestSummaries_OfKnownNumbers(t *testing.T) {
	r := &Report{}
	for i, v := range []float64{7, 1, 5, 3, 2, 6, 4} {
		r.Trials = append(r.Trials, made("a", k64, i, 100, v))
	}
	r.Trials = append(r.Trials, made("a", k64, 7, 300, 100), made("a", k128, 0, 100, 9), made("b", k64, 0, 100, 11),
		Trial{Contestant: "b", Key: k64, Round: 1, Error: "broken"},
		Trial{Contestant: "b", Key: k64, Round: 1, Values: map[string]float64{MessagesPerSecond: math.NaN()}},
		Trial{Contestant: "b", Key: k64, Round: 1, Values: map[string]float64{MessagesPerSecond: -5}})
	all := r.Summaries(MessagesPerSecond)
	require.Equal(t, []Summary{
		{Contestant: "a", Key: k64, Cores: Near, Value: MessagesPerSecond, Trials: 7, Median: 4, Low: 2.5, High: 5.5, CILow: 1, CIHigh: 7},
		{Contestant: "a", Key: k64, Cores: Far, Value: MessagesPerSecond, Trials: 1, Median: 100, Low: 100, High: 100, CILow: 100, CIHigh: 100},
		{Contestant: "a", Key: k64, Cores: All, Value: MessagesPerSecond, Trials: 8, Median: 4.5, Low: 2.75, High: 6.25, CILow: 1, CIHigh: 100},
		{Contestant: "a", Key: k128, Cores: Near, Value: MessagesPerSecond, Trials: 1, Median: 9, Low: 9, High: 9, CILow: 9, CIHigh: 9},
		{Contestant: "a", Key: k128, Cores: All, Value: MessagesPerSecond, Trials: 1, Median: 9, Low: 9, High: 9, CILow: 9, CIHigh: 9},
		{Contestant: "b", Key: k64, Cores: Near, Value: MessagesPerSecond, Trials: 1, Median: 11, Low: 11, High: 11, CILow: 11, CIHigh: 11},
		{Contestant: "b", Key: k64, Cores: All, Value: MessagesPerSecond, Trials: 1, Median: 11, Low: 11, High: 11, CILow: 11, CIHigh: 11},
	}, all)
	require.Empty(t, r.Summaries(P50))
}

func TestCoresOf_TakesTheTrialsFloorAndElseItsRounds(t *testing.T) {
	r := &Report{Rounds: []Round{{FloorBefore: 100, FloorAfter: 219}, {FloorBefore: 100, FloorAfter: 500}, {}}}
	require.Equal(t, Near, r.CoresOf(Trial{Round: 0}))
	require.Equal(t, Far, r.CoresOf(Trial{Round: 1}))
	require.Equal(t, Near, r.CoresOf(Trial{Round: 1, FloorNS: 219.9}))
	require.Equal(t, Far, r.CoresOf(Trial{Round: 0, FloorNS: NearBelow}))
	require.Equal(t, Cores(""), r.CoresOf(Trial{Round: 2}))
	require.Equal(t, Cores(""), r.CoresOf(Trial{Round: 99}))
	one := &Report{Host: Host{CPUs: 1}}
	require.Equal(t, Cores(""), one.CoresOf(Trial{FloorNS: 5000}), "one core is not far from itself")

	r.Trials = []Trial{made("a", k64, 2, 0, 5)}
	all := r.Summaries(MessagesPerSecond)
	require.Len(t, all, 1, "cores that nobody asked about are neither near nor far")
	require.Equal(t, All, all[0].Cores)
}

func TestRatio_PairsTrialsOfTheSameRound(t *testing.T) {
	r := &Report{Trials: []Trial{
		made("a", k64, 0, 100, 10), made("b", k64, 0, 100, 5), // 2
		made("b", k64, 1, 100, 100), made("a", k64, 1, 100, 300), // 3
		made("a", k64, 2, 400, 8), made("b", k64, 2, 400, 2), // 4, far
		made("a", k64, 3, 100, 1), // no partner
		made("b", k64, 4, 100, 1),
		made("a", k64, 5, 100, 1), made("b", k64, 5, 100, 0), // nothing to divide by
		made("a", k128, 6, 100, 1), made("b", k64, 6, 100, 1), // another key
	}}
	require.Equal(t, Ratio{Median: 2.5, CILow: 2, CIHigh: 3, Pairs: 2}, r.Ratio("a", "b", k64, MessagesPerSecond, Near))
	require.Equal(t, Ratio{Median: 4, CILow: 4, CIHigh: 4, Pairs: 1}, r.Ratio("a", "b", k64, MessagesPerSecond, Far))
	require.Equal(t, Ratio{Median: 3, CILow: 2, CIHigh: 4, Pairs: 3}, r.Ratio("a", "b", k64, MessagesPerSecond, All))
	require.Equal(t, Ratio{}, r.Ratio("a", "c", k64, MessagesPerSecond, All))
	require.Equal(t, Ratio{}, r.Ratio("a", "b", k64, P50, All))
}
