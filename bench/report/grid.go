package report

import (
	"cmp"
	"math"
	"slices"

	"shmpipe/bench/result"
)

// grid is a table of figures, not yet in the words of a terminal or a page.
type grid struct {
	title   string // such as "Throughput, busy, cores near"
	columns []gridColumn
	rows    []gridRow
}

type gridColumn struct {
	head string
	key  result.Key
	m    measure
	step step
	best int // row; -1: none
}

type gridRow struct {
	name  string
	cells []gridCell
}

// gridCell is a figure in its column's unit, or a word in its place.
type gridCell struct {
	ok               bool
	value, low, high float64 // low and high: interval of the median
	word             string
}

// part is all tables of one layout that share the common part of their keys.
type part struct {
	layout layout
	common result.Key
	keys   []result.Key
	grids  []grid // one for each group of cores
	ratios []grid
}

func (p part) title() string { return join(", ", p.layout.title, caption(p.common)) }

// parts are all tables of a layout.
func (b *book) parts(l layout) []part {
	var parts []part
	for _, k := range b.keys(l.mode) {
		common := l.common(k)
		i := slices.IndexFunc(parts, func(p part) bool { return p.common == common })
		if i < 0 {
			i = len(parts)
			parts = append(parts, part{layout: l, common: common})
		}
		parts[i].keys = append(parts[i].keys, k)
	}
	groups := b.groups
	if !l.split {
		groups = []result.Cores{result.All}
	}
	for i := range parts {
		p := &parts[i]
		for _, c := range groups {
			if g := b.grid(*p, c); len(g.rows) > 0 {
				p.grids = append(p.grids, g)
			}
			if g := b.ratioGrid(*p, c); l.ratios && len(g.rows) > 0 {
				p.ratios = append(p.ratios, g)
			}
		}
	}
	return slices.DeleteFunc(parts, func(p part) bool { return len(p.grids) == 0 })
}

func (b *book) grid(p part, c result.Cores) grid {
	g := grid{title: join(", ", p.title(), b.coresText(c))}
	for _, k := range p.keys {
		for _, m := range p.layout.measures {
			g.columns = append(g.columns, gridColumn{head: join(", ", describe(k, p.common), m.label), key: k, m: m, best: -1})
		}
	}
	for _, name := range b.names {
		r := gridRow{name: name}
		for _, col := range g.columns {
			r.cells = append(r.cells, b.cell(name, col, c))
		}
		if slices.ContainsFunc(r.cells, func(c gridCell) bool { return c.ok || c.word == failedWord }) {
			g.rows = append(g.rows, r)
		}
	}
	g.finish()
	if p.layout.unranked {
		for i := range g.columns {
			g.columns[i].best = -1
		}
	}
	return g
}

// Words in the place of a figure. What is behind them stands below the tables.
const (
	failedWord  = "failed"
	skippedWord = "–"
)

func (b *book) cell(name string, col gridColumn, c result.Cores) gridCell {
	s, ok := b.get(col.m.value, name, col.key, c)
	if ok {
		f := col.m.factor(col.key)
		cell := gridCell{ok: true, value: s.Median * f, low: s.CILow * f, high: s.CIHigh * f}
		if !finite(cell.low) || !finite(cell.high) || cell.low > cell.value || cell.high < cell.value {
			cell.low, cell.high = cell.value, cell.value // none is known
		}
		return cell
	}
	switch f := b.fates[place{contestant: name, key: col.key}]; {
	case f.failed != "":
		return gridCell{word: failedWord}
	case f.skipped != "":
		return gridCell{word: skippedWord}
	}
	return gridCell{}
}

// finish drops empty columns, gives each a unit, marks its best and sorts the rows by the one that most have a figure in.
func (g *grid) finish() {
	count := func(i int) (n int) {
		for _, r := range g.rows {
			if r.cells[i].ok {
				n++
			}
		}
		return n
	}
	for i := len(g.columns) - 1; i >= 0; i-- {
		if count(i) == 0 && len(g.columns) > 1 {
			g.columns = slices.Delete(g.columns, i, i+1)
			for r := range g.rows {
				g.rows[r].cells = slices.Delete(g.rows[r].cells, i, i+1)
			}
		}
	}
	order := 0
	for i := range g.columns {
		if count(i) > count(order) {
			order = i
		}
	}
	if len(g.columns) == 0 {
		return
	}
	slices.SortStableFunc(g.rows, func(x, y gridRow) int { return compareCells(x.cells[order], y.cells[order], g.columns[order].m.more) })
	for i := range g.columns {
		g.scale(i)
	}
}

// compareCells puts the better figure first, and what has none last.
func compareCells(x, y gridCell, more bool) int {
	switch {
	case !x.ok || !y.ok:
		return cmp.Compare(b2i(y.ok), b2i(x.ok))
	case more:
		return cmp.Compare(y.value, x.value)
	}
	return cmp.Compare(x.value, y.value)
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (g *grid) scale(i int) {
	col := &g.columns[i]
	var values []float64
	for r, row := range g.rows {
		if c := row.cells[i]; c.ok {
			values = append(values, c.value)
			if col.best < 0 || compareCells(c, g.rows[col.best].cells[i], col.m.more) < 0 {
				col.best = r
			}
		}
	}
	if len(values) < 2 || slices.Min(values) == slices.Max(values) {
		col.best = -1 // nobody to be better than
	}
	col.step = col.m.unit.column(values, col.m.more)
	for r := range g.rows {
		c := &g.rows[r].cells[i]
		c.value, c.low, c.high = c.value/col.step.size, c.low/col.step.size, c.high/col.step.size
	}
}

// headText is a column's head and unit.
func (c gridColumn) headText() string { return join(", ", c.head, c.step.name) }

// number is the figure, or the word in its place.
func (c gridCell) number() string {
	if !c.ok {
		return c.word
	}
	return digits(c.value, decimals(c.value))
}

// interval is the confidence interval, with as many digits as the figure.
func (c gridCell) interval() string {
	if !c.ok || c.low == c.high {
		return ""
	}
	after := decimals(c.value)
	return "[" + digits(c.low, after) + ".." + digits(c.high, after) + "]"
}

// percent is how far the confidence interval reaches from the figure, in percent of it, rounded up.
func (c gridCell) percent() string {
	if !c.ok || c.low == c.high || c.value == 0 {
		return ""
	}
	p := math.Max(c.high-c.value, c.value-c.low) / math.Abs(c.value) * 100
	return "±" + digits(math.Ceil(p), 0) + "%"
}
