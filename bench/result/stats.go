package result

import (
	"math"
	"slices"

	"shmpipe/bench/internal/host"
)

// NearBelow is the raw round trip of a cache line, in nanoseconds, below which two cores are taken to share a cache.
const NearBelow = host.NearBelow

// Confidence is that of all intervals here, of six values or more.
const Confidence = 0.95

// MedianInterval is a confidence interval of the median of what the rising values, of which there is at least one, are samples of. It
// supposes that they are independent, and nothing about their distribution.
//
// Method: order statistics. Each sample is below the true median with a chance of one half, so how many are is binomial, and the true median
// lies between the k-th least and the k-th greatest sample with a chance of 1 - 2·P(B < k). The interval is that of the greatest k for which
// this is 95 % or more. It needs six values; of fewer, it goes from the least to the greatest, and holds the median with a chance of
// only 1 - 2·(1/2)ⁿ: 94 % for five values, 75 % for three.
func MedianInterval(sorted []float64) (low, high float64) {
	k := orderStatistic(len(sorted))
	return sorted[k-1], sorted[len(sorted)-k]
}

// MedianConfidence is the chance, 0 to 1, with which the interval of [MedianInterval] of n values holds the median.
func MedianConfidence(n int) float64 {
	if n < 1 {
		return 0
	}
	outside := 0.0
	for k := range orderStatistic(n) {
		outside += binomialHalf(n, k)
	}
	return max(0, 1-2*outside)
}

// orderStatistic is the greatest k, counted from 1, of which the k-th least and greatest of n values enclose the median with confidence; 1
// if there is none.
func orderStatistic(n int) int {
	below := 0.0 // P(B < k)
	for k := 1; ; k++ {
		below += binomialHalf(n, k-1)
		if 2*below > 1-Confidence {
			return max(k-1, 1)
		}
	}
}

// binomialHalf is the chance that k of n tosses are heads. Logarithms, so that hundreds of tosses are no trouble.
func binomialHalf(n, k int) float64 {
	lgamma := func(x int) float64 { v, _ := math.Lgamma(float64(x + 1)); return v }
	return math.Exp(lgamma(n) - lgamma(k) - lgamma(n-k) - float64(n)*math.Ln2)
}

// FloorOf is the raw round trip around a trial, in nanoseconds: its own if it was measured, else the larger one of its round; 0: unknown.
func (r *Report) FloorOf(t Trial) float64 {
	if t.FloorNS > 0 {
		return t.FloorNS
	}
	if t.Round < 0 || t.Round >= len(r.Rounds) {
		return 0
	}
	return max(r.Rounds[t.Round].FloorBefore, r.Rounds[t.Round].FloorAfter)
}

// CoresOf says how far apart the cores were in a trial: [Near], [Far], or "" if nobody knows or there is one only.
func (r *Report) CoresOf(t Trial) Cores {
	switch ns := r.FloorOf(t); {
	case ns <= 0, r.Host.CPUs == 1: // of one CPU, it is how long two take turns
		return ""
	case ns < NearBelow:
		return Near
	}
	return Far
}

// in reports whether a trial belongs to a group.
func (r *Report) in(t Trial, c Cores) bool { return c == All || r.CoresOf(t) == c }

// valueOf is a figure that was measured, and can be summed up. Nothing that is measured here can be less than nothing.
func valueOf(t Trial, value string) (float64, bool) {
	v, ok := t.Values[value]
	return v, ok && v >= 0 && !math.IsInf(v, 0)
}

// Summaries sums up a value, for each contestant and key: near rounds, far rounds, and all, each as far as there are any. They come in the
// order in which contestants and keys come in the trials. The interval of the median is that of [MedianInterval]. It looks at what the
// report holds now, so nobody may change it meanwhile.
func (r *Report) Summaries(value string) []Summary {
	type place struct {
		contestant string
		key        Key
	}
	type row struct{ near, far, all []float64 }
	rows := make(map[place]*row)
	var order []place
	for _, t := range r.Trials {
		v, ok := valueOf(t, value)
		if !ok {
			continue
		}
		at := place{t.Contestant, t.Key}
		w := rows[at]
		if w == nil {
			w = &row{}
			rows[at] = w
			order = append(order, at)
		}
		w.all = append(w.all, v)
		switch r.CoresOf(t) {
		case Near:
			w.near = append(w.near, v)
		case Far:
			w.far = append(w.far, v)
		}
	}
	var all []Summary
	for _, at := range order {
		for _, g := range []struct {
			cores  Cores
			values []float64
		}{{Near, rows[at].near}, {Far, rows[at].far}, {All, rows[at].all}} {
			if len(g.values) > 0 {
				s := summarize(g.values)
				s.Contestant, s.Key, s.Cores, s.Value = at.contestant, at.key, g.cores, value
				all = append(all, s)
			}
		}
	}
	return all
}

func summarize(values []float64) Summary {
	v := slices.Sorted(slices.Values(values))
	s := Summary{Trials: len(v), Median: host.Quantile(v, 0.5), Low: host.Quantile(v, 0.25), High: host.Quantile(v, 0.75)}
	s.CILow, s.CIHigh = MedianInterval(v)
	return s
}

// Ratio is the value of contestant a divided by that of b, of pairs of trials of the same round, both in group c: the median of the
// ratios, and its interval after [MedianInterval]. A drift of the machine from round to round is in both trials of a pair, and cancels.
// A pair in which b has 0 is left out. Without pairs, all is 0.
func (r *Report) Ratio(a, b string, k Key, value string, c Cores) Ratio {
	over, under := r.byRound(a, k, value, c), r.byRound(b, k, value, c)
	var ratios []float64
	for round, v := range over {
		if w, ok := under[round]; ok && w != 0 {
			ratios = append(ratios, v/w)
		}
	}
	if len(ratios) == 0 {
		return Ratio{}
	}
	slices.Sort(ratios)
	low, high := MedianInterval(ratios)
	return Ratio{Median: host.Quantile(ratios, 0.5), CILow: low, CIHigh: high, Pairs: len(ratios)}
}

// byRound are a contestant's values, by round. A contestant has one trial of each key in a round.
func (r *Report) byRound(contestant string, k Key, value string, c Cores) map[int]float64 {
	found := make(map[int]float64)
	for _, t := range r.Trials {
		if t.Contestant != contestant || t.Key != k || !r.in(t, c) {
			continue
		}
		if v, ok := valueOf(t, value); ok {
			found[t.Round] = v
		}
	}
	return found
}
