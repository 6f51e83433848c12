package report

import (
	"cmp"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"shmpipe/bench/result"
)

// groups are groups of bars over a linear height, a bar a contestant, with a legend in the bars' order.
type groups struct {
	names  []string
	series []series // x is the group's index
	unit   unit
}

// groupsChart is nil if there are no figures. The contestants stand in the order of their best figures.
func (b *book) groupsChart(p part) chart {
	m := p.layout.measures[0]
	g := &groups{unit: m.unit}
	g.series = b.series(p, m, func(k result.Key) float64 { return float64(1 + slices.Index(p.keys, k)) })
	if len(g.series) == 0 {
		return nil
	}
	for _, k := range p.keys {
		g.names = append(g.names, describe(k, p.common))
	}
	best := func(s series) float64 {
		return slices.MaxFunc(s.points, func(x, y point) int { return cmp.Compare(x.y, y.y) }).y
	}
	slices.SortStableFunc(g.series, func(x, y series) int { return cmp.Compare(best(y), best(x)) })
	return g
}

func (g *groups) height() vg.Length { return max(300, vg.Length(len(g.series))*labelStep*1.2+50) }

func (g *groups) members() []family { return membersOf(looksIn(g.series)) }

func (g *groups) draw(c draw.Canvas) {
	top := 0.0
	for _, s := range g.series {
		for _, p := range s.points {
			top = max(top, p.y, min(p.high, p.y*1.5))
		}
	}
	p := newPlot()
	p.X.Min, p.X.Max = 0.5, float64(len(g.names))+0.5
	p.X.Tick.LineStyle.Color = unseen // ticks only keep the names away
	p.X.Label.Text = "producers × consumers"
	var names []plot.Tick
	for i, name := range g.names {
		names = append(names, plot.Tick{Value: float64(i + 1), Label: name})
	}
	p.X.Tick.Marker = plot.ConstantTicks(names)
	p.Y.Min, p.Y.Max = 0, top*1.04
	ticks := linearTicks(p.Y.Max, g.unit)
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	room := vg.Length(0)
	for _, s := range g.series {
		room = max(room, roomFor(lettering(10, ink, s.look.family == ours), short(s.name, maxLabel)))
	}
	inner := draw.Crop(c, 0, -room-34, 0, 0)
	data := p.DataCanvas(inner)
	drawGrid(data, p, nil, ticks)
	p.Draw(inner)
	g.drawBars(data, p)
	g.drawLegend(data)
}

func (g *groups) drawBars(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	width := (x(2) - x(1)) * 0.82 / vg.Length(len(g.series))
	for i, s := range g.series {
		for _, q := range s.points {
			left := x(q.x) + width*(vg.Length(i)-vg.Length(len(g.series))/2)
			high := max(y(q.y), c.Min.Y+0.8) // the smallest can still be seen to be there
			c.FillPolygon(s.look.color, []vg.Point{{X: left + 0.5, Y: c.Min.Y}, {X: left + width - 0.5, Y: c.Min.Y},
				{X: left + width - 0.5, Y: high}, {X: left + 0.5, Y: high}})
			if q.low < q.high {
				whisker(&c, look{color: ink}, left+width/2, y(max(q.low, 0)), y(min(q.high, p.Y.Max)))
			}
		}
	}
}

func (g *groups) drawLegend(c draw.Canvas) {
	at := vg.Point{X: c.Max.X + 14, Y: c.Max.Y - 6}
	for _, s := range g.series {
		c.FillPolygon(s.look.color, []vg.Point{{X: at.X, Y: at.Y - 4}, {X: at.X + 10, Y: at.Y - 4}, {X: at.X + 10, Y: at.Y + 4}, {X: at.X, Y: at.Y + 4}})
		write(c, lettering(10, ink, s.look.family == ours), vg.Point{X: at.X + 16, Y: at.Y}, short(s.name, maxLabel))
		at.Y -= labelStep * 1.2
	}
}

// linearTicks are four to nine, at round figures.
func linearTicks(top float64, u unit) []plot.Tick {
	step := 1.0
	for top/step > 9 {
		step *= 10
	}
	for top/step < 0.9 {
		step /= 10
	}
	for _, part := range []float64{10, 5, 2} {
		if top/(step/part) <= 9 {
			step /= part
			break
		}
	}
	s := u.fit(top)
	after := max(0, int(-math.Floor(math.Log10(step/s.size)+1e-9)))
	var ticks []plot.Tick
	for n := 0.0; n*step <= top; n++ {
		ticks = append(ticks, plot.Tick{Value: n * step, Label: join(" ", strconv.FormatFloat(n*step/s.size, 'f', after, 64), s.name)})
	}
	return ticks
}
