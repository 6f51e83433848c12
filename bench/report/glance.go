package report

import (
	"slices"

	"shmpipe/bench/result"
)

// glance is one table of how the plainest of ours does against each other contestant, where most have a figure: small messages, one way and there and
// back. It divides so that more is better throughout.
func (b *book) glance() grid {
	thr, rtt := b.nearestSize(result.Throughput, 64), b.nearestSize(result.RoundTrip, 64)
	var columns []gridColumn
	for _, c := range []struct {
		mode, head string
		size       int
		m          measure
	}{
		{result.Throughput, "messages ", thr, measure{value: result.MessagesPerSecond, unit: plain, more: true}},
		{result.RoundTrip, "round trip ", rtt, measure{value: result.P50, unit: plain}},
	} {
		for _, k := range b.keys(c.mode) {
			if k.Size == c.size && k.Batch <= 1 {
				columns = append(columns, gridColumn{head: c.head + describe(k, result.Key{Mode: k.Mode}), key: k, m: c.m, best: -1})
			}
		}
	}
	at := slices.IndexFunc(b.names, func(name string) bool {
		return familyOf(name) == ours && slices.ContainsFunc(columns, func(c gridColumn) bool { return b.cell(name, c, b.main).ok })
	})
	if at < 0 {
		return grid{}
	}
	ref := b.names[at]
	g := grid{title: join(", ", clean(ref)+" against each", b.coresText(b.main)), columns: columns}
	for _, name := range b.names {
		if name == ref {
			continue
		}
		r := gridRow{name: name}
		for _, col := range columns {
			r.cells = append(r.cells, b.times(ref, name, col))
		}
		if slices.ContainsFunc(r.cells, func(c gridCell) bool { return c.ok }) {
			g.rows = append(g.rows, r)
		}
	}
	for i := range g.columns {
		g.columns[i].m.more = false // first comes who comes nearest
	}
	g.finish()
	for i := range g.columns {
		g.columns[i].best = -1 // the rows are the others
	}
	return g
}

// times is how many times as good as another contestant one is.
func (b *book) times(one, other string, col gridColumn) gridCell {
	if !col.m.more { // of latencies, the other's is divided
		one, other = other, one
	}
	q := b.byKey[col.key].Ratio(one, other, col.key, col.m.value, b.main)
	if q.Pairs == 0 || !finite(q.Median) || q.Median <= 0 {
		return gridCell{}
	}
	return gridCell{ok: true, value: q.Median, low: q.CILow, high: q.CIHigh}
}
