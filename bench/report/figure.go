package report

import (
	"cmp"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"shmpipe/bench/result"
)

// figure is one plot, ready to be drawn on any canvas.
type figure struct {
	id       string // a file's name without .svg
	title    string
	subtitle string
	alt      string // what somebody who cannot see it should know
	chart    chart
}

// chart draws itself. The canvas is as high as it asked for.
type chart interface {
	height() vg.Length
	members() []family
	draw(c draw.Canvas)
}

// point is a figure with its interval.
type point struct {
	x, y, low, high float64
}

// series is one contestant's line.
type series struct {
	name   string
	look   look
	points []point
}

// figures are the plots that belong to a part of the page.
func (b *book) figures(p part) []figure {
	var found []figure
	add := func(id, what string, c chart, alt string) {
		if c == nil {
			return
		}
		title := join(", ", join(": ", p.layout.title, what), caption(p.common))
		found = append(found, figure{id: fileName(p, id), title: title, subtitle: b.subtitle(p), alt: alt, chart: c})
	}
	switch p.layout.id {
	case "throughput", "bandwidth":
		if p.common.Batch > 1 {
			break // few contestants have batches: the table says it all
		}
		s := b.sizeSeries(p)
		add("", "", newLines(s, byteAxis(s), p.layout.measures[0]), "Lines, one a contestant, "+
			p.layout.measures[0].unit.axis+" against the size of a message, both logarithmic. "+ranking(s, p.layout.measures[0]))
	case "round-trip":
		if k, ok := b.percentileKey(p); ok {
			s := b.percentileSeries(k)
			add("percentiles", "percentiles of "+sizeText(k.Size), newLines(s, ninesAxis(s), p.layout.measures[0]),
				"Lines, one a contestant, latency, logarithmic, against the percentile, with as much room for each further nine. "+
					ranking(s, p.layout.measures[0]))
		}
	case "load":
		for _, m := range p.layout.measures {
			if m.value != result.P50 && m.value != result.P99 { // the table has the others
				continue
			}
			s := b.loadSeries(p, m)
			add(m.label, m.label, newLines(s, loadAxis(s), m), "Lines, one a contestant, "+m.label+
				" of latency, logarithmic, against the rate in percent of what the contestant itself reaches; rates differ, so lines do not rank.")
		}
	case "scaling":
		if g := b.groupsChart(p); g != nil {
			add("", "", g, "Groups of bars, one group for each number of producers and consumers, one bar for each contestant; "+
				"the figures are in the table below.")
		}
	case "cpu", "idle", "first":
		if p.common.Batch > 1 {
			break
		}
		for _, k := range b.barKeys(p) {
			c := b.barsChart(p, k)
			if c == nil {
				continue
			}
			what := describe(k, p.common)
			add(what, what, c, "Bars, one a contestant, the best first, on a logarithmic axis: "+c.words())
		}
	}
	return found
}

// subtitle says what is drawn, and of which rounds.
func (b *book) subtitle(p part) string {
	m := p.layout.measures[0]
	what := m.unit.axis + ", less is better"
	if m.more {
		what = m.unit.axis + ", more is better"
	}
	of := "median and " + b.spread()
	switch {
	case p.layout.id == "round-trip":
		of = "all rounds together"
	case b.measuredOnce(p):
		of = "measured once"
	}
	return join("; ", what, of, b.coresText(b.group(p)), map[bool]string{true: "NOT CLEAN"}[len(b.verdict()) > 0])
}

// measuredOnce reports whether a part comes of one round, because it does not depend on the machine's speed.
func (b *book) measuredOnce(p part) bool {
	for _, k := range p.keys {
		for _, t := range b.byKey[k].Trials {
			if t.Round != b.byKey[p.keys[0]].Trials[0].Round {
				return false
			}
		}
	}
	return len(b.report.Rounds) > 1
}

// group is where the figures of a plot come from.
func (b *book) group(p part) result.Cores {
	if p.layout.split {
		return b.main
	}
	return result.All
}

func (b *book) sizeSeries(p part) []series {
	m := p.layout.measures[0]
	return b.series(p, m, func(k result.Key) float64 { return float64(k.Size) })
}

func (b *book) loadSeries(p part, m measure) []series {
	return b.series(p, m, func(k result.Key) float64 { return float64(k.Load) })
}

// series are all contestants' figures of one measure; those that a logarithmic axis has room for.
func (b *book) series(p part, m measure, x func(result.Key) float64) []series {
	var all []series
	for _, name := range b.names {
		s := series{name: name, look: b.looks[name]}
		for _, k := range p.keys {
			c := b.cell(name, gridColumn{key: k, m: m}, b.group(p))
			if c.ok && c.value > 0 && x(k) > 0 {
				s.points = append(s.points, point{x(k), c.value, max(c.low, c.value/100), c.high})
			}
		}
		if len(s.points) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// barKeys are those of a part that are worth bars: small messages, where what a message costs is not what its bytes cost.
func (b *book) barKeys(p part) []result.Key {
	if p.layout.id != "cpu" {
		return p.keys
	}
	best := p.keys[0]
	for _, k := range p.keys {
		if distance(k.Size, 64) < distance(best.Size, 64) {
			best = k
		}
	}
	return []result.Key{best}
}

// ranking names the first and the last where the most contestants meet.
func ranking(all []series, m measure) string {
	at := make(map[float64]int)
	for _, s := range all {
		for _, p := range s.points {
			at[p.x]++
		}
	}
	var x float64
	for candidate, n := range at {
		if n > at[x] || n == at[x] && candidate < x {
			x = candidate
		}
	}
	type one struct {
		name string
		y    float64
	}
	var list []one
	for _, s := range all {
		for _, p := range s.points {
			if p.x == x {
				list = append(list, one{s.name, p.y})
			}
		}
	}
	if len(list) < 2 {
		return ""
	}
	slices.SortStableFunc(list, func(a, b one) int {
		if m.more {
			a, b = b, a
		}
		return cmp.Compare(a.y, b.y)
	})
	first, last := list[0], list[len(list)-1]
	return "Where most have a figure, " + clean(first.name) + " is best with " + m.unit.text(first.y) + " and " + clean(last.name) + " last with " +
		m.unit.text(last.y) + "."
}

// fileName makes a name of what a plot shows: letters, digits and hyphens.
func fileName(p part, id string) string {
	text := []byte(p.layout.id + " " + caption(p.common) + " " + id)
	var name []byte
	for _, c := range text {
		switch {
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
			fallthrough
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
			name = append(name, c)
		case len(name) > 0 && name[len(name)-1] != '-':
			name = append(name, '-')
		}
	}
	for len(name) > 0 && name[len(name)-1] == '-' {
		name = name[:len(name)-1]
	}
	return string(name)
}
