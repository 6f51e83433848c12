package report

import (
	"math"
	"slices"

	"shmpipe/bench/result"
)

// percentileKey is the round trip whose percentiles are drawn: that of 64 bytes, or the nearest to it.
func (b *book) percentileKey(p part) (best result.Key, ok bool) {
	for _, k := range p.keys {
		if !ok || distance(k.Size, 64) < distance(best.Size, 64) {
			best, ok = k, true
		}
	}
	return best, ok
}

// percentileSeries are the latencies of all rounds put together; where no histogram was kept, the medians of the rounds' percentiles.
func (b *book) percentileSeries(k result.Key) []series {
	var all []series
	for _, name := range b.names {
		s := series{name: name, look: b.looks[name]}
		if h := b.histogram(name, k); h != nil {
			s.points = quantiles(h)
		} else {
			s.points = b.namedPercentiles(name, k)
		}
		if len(s.points) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// histogram is that of all rounds of the group that plots show; nil if there is none that can be read.
func (b *book) histogram(name string, k result.Key) *result.Latencies {
	var texts []string
	for _, t := range b.byKey[k].Trials {
		if t.Contestant != name || t.Histogram == "" || !b.inMain(t) {
			continue
		}
		if _, err := result.DecodeLatencies(t.Histogram); err == nil { // of a broken one the percentiles stand beside it in the trial
			texts = append(texts, t.Histogram)
		}
	}
	sum, err := result.Merge(texts...)
	if err != nil || sum == "" {
		return nil
	}
	h, err := result.DecodeLatencies(sum)
	if err != nil {
		return nil
	}
	return h
}

// inMain reports whether a trial is of the group of cores that plots show.
func (b *book) inMain(t result.Trial) bool {
	return b.main == result.All || b.report.CoresOf(t) == b.main
}

// quantiles are as close as a plot shows them, up to where one sample makes the next nine.
func quantiles(h *result.Latencies) []point {
	const perNine = 12
	most := math.Log10(float64(h.Count()))
	var points []point
	for i := 0; ; i++ {
		x := float64(i) / perNine
		if x > most || x > 6 {
			break
		}
		share := 1 - math.Pow(10, -x)
		y := h.Percentile(share * 100)
		points = append(points, point{x: x, y: max(y, 1)})
	}
	return points
}

func (b *book) namedPercentiles(name string, k result.Key) []point {
	var points []point
	for _, v := range []struct {
		value string
		share float64
	}{{result.P50, 0.5}, {result.P90, 0.9}, {result.P99, 0.99}, {result.P999, 0.999}} {
		if s, ok := b.get(v.value, name, k, b.main); ok && s.Median > 0 {
			points = append(points, point{x: nines(v.share), y: s.Median})
		}
	}
	slices.SortFunc(points, func(x, y point) int { return int(math.Copysign(1, x.x-y.x)) })
	return points
}
