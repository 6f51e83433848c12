package report

import (
	"slices"

	"shmpipe/bench/result"
)

// reference is the contestant that the others are compared with: shmpipe's plainest that has figures for a table.
func (b *book) reference(p part) string {
	for _, name := range b.names { // ours come first, and the plainest of them
		if familyOf(name) == ours && b.measured(name, p) {
			return name
		}
	}
	return ""
}

func (b *book) measured(name string, p part) bool {
	m := b.summaries(p.layout.measures[0].value)
	return slices.ContainsFunc(p.keys, func(k result.Key) bool {
		return slices.ContainsFunc([]result.Cores{result.Near, result.Far, result.All}, func(c result.Cores) bool {
			_, ok := m[place{name, k, c}]
			return ok
		})
	})
}

// ratioGrid divides the reference's figure by each other's of the same round: a drift of the machine, which hits both, cancels.
func (b *book) ratioGrid(p part, c result.Cores) grid {
	ref := b.reference(p)
	if ref == "" {
		return grid{}
	}
	m := p.layout.measures[0]
	g := grid{title: join(", ", p.title(), m.label, b.coresText(c)) + ": " + clean(ref) + " ÷ other, in the same round"}
	m.label, m.unit = "", plain
	for _, k := range p.keys {
		g.columns = append(g.columns, gridColumn{head: describe(k, p.common), key: k, m: m, best: -1})
	}
	for _, name := range b.names {
		if name == ref {
			continue
		}
		r := gridRow{name: "÷ " + name}
		some := false
		for _, col := range g.columns {
			cell := gridCell{}
			if q := b.byKey[col.key].Ratio(ref, name, col.key, m.value, c); q.Pairs > 0 && finite(q.Median) && q.Median > 0 {
				cell = gridCell{ok: true, value: q.Median, low: q.CILow, high: q.CIHigh}
				some = true
			}
			r.cells = append(r.cells, cell)
		}
		if some {
			g.rows = append(g.rows, r)
		}
	}
	g.finish()
	for i := range g.columns {
		g.columns[i].best = -1 // the rows are the others: none of them is best
	}
	return g
}
