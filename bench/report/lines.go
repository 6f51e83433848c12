package report

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// axis is what a plot of lines has at its bottom.
type axis struct {
	label    string
	min, max float64
	scale    plot.Normalizer
	ticks    []plot.Tick
	left     bool // names stand at the left, where all lines begin, and the height's axis at the right
}

// lines is a plot of lines over a logarithmic height, with a name at the end of each.
type lines struct {
	series []series
	x      axis
	m      measure
	glyphs bool
}

// newLines is nil if there is nothing to draw.
func newLines(s []series, x axis, m measure) chart {
	if len(s) == 0 {
		return nil
	}
	most := 0
	for _, one := range s {
		most = max(most, len(one.points))
	}
	return &lines{series: s, x: x, m: m, glyphs: most < 12}
}

func (l *lines) height() vg.Length {
	return max(380, vg.Length(len(l.series))*labelStep+50)
}

// span is from the least to the greatest figure, with some air.
func (l *lines) span() (low, high float64) {
	low, high = math.Inf(1), 0
	for _, s := range l.series {
		for _, p := range s.points {
			low, high = min(low, p.y), max(high, p.y)
			if p.low < p.high { // an interval that reaches out of all measure must not flatten the lines
				low, high = min(low, max(p.low, p.y/3)), max(high, min(p.high, p.y*3))
			}
		}
	}
	if high < 4*low { // there has to be room for a tick or two
		middle := math.Sqrt(low) * math.Sqrt(high)
		low, high = middle/2, middle*2
	}
	air := math.Pow(high/low, 0.03) * 1.03
	return low / air, high * air
}

func (l *lines) members() []family { return membersOf(looksIn(l.series)) }

func looksIn(all []series) []look {
	var looks []look
	for _, s := range all {
		looks = append(looks, s.look)
	}
	return looks
}

func (l *lines) draw(c draw.Canvas) {
	p := newPlot()
	p.X.Scale, p.X.Min, p.X.Max, p.X.Label.Text = l.x.scale, l.x.min, l.x.max, l.x.label
	p.X.Tick.Marker = plot.ConstantTicks(l.x.ticks)
	p.Y.Scale = plot.LogScale{}
	p.Y.Min, p.Y.Max = l.span()
	ticks := logTicks(p.Y.Min, p.Y.Max, l.m.unit)
	p.Y.Tick.Marker = plot.ConstantTicks(ticks)
	inner := draw.Crop(c, 0, -l.labelRoom(), 0, 0)
	if l.x.left {
		p.HideY()
		inner = draw.Crop(c, l.labelRoom(), -rightAxisRoom(ticks), 0, 0)
	}
	data := p.DataCanvas(inner)
	drawGrid(data, p, l.x.ticks, ticks)
	p.Draw(inner)
	if l.x.left {
		drawRightAxis(data, p, ticks)
	}
	l.drawSeries(data, p)
	l.drawLabels(data, p)
}

// rightAxisRoom is what the axis at the right needs for its labels.
func rightAxisRoom(ticks []plot.Tick) (room vg.Length) {
	for _, t := range ticks {
		room = max(room, rightAxisGap+roomFor(lettering(9.5, ink, false), t.Label))
	}
	return room
}

const rightAxisGap = 8

// drawRightAxis does what gonum does at the left only.
func drawRightAxis(c draw.Canvas, p *plot.Plot, ticks []plot.Tick) {
	_, y := p.Transforms(&c)
	c.StrokeLine2(p.X.LineStyle, c.Max.X, c.Min.Y, c.Max.X, c.Max.Y)
	for _, t := range ticks {
		length := vg.Length(2)
		if t.Label != "" {
			length = 4
		}
		c.StrokeLine2(p.X.LineStyle, c.Max.X, y(t.Value), c.Max.X+length, y(t.Value))
		write(c, lettering(9.5, ink, false), vg.Point{X: c.Max.X + rightAxisGap, Y: y(t.Value)}, t.Label)
	}
}

// drawGrid has lines where ticks have labels.
func drawGrid(c draw.Canvas, p *plot.Plot, xs, ys []plot.Tick) {
	x, y := p.Transforms(&c)
	style := draw.LineStyle{Color: gridInk, Width: vg.Points(0.6)}
	for _, t := range xs {
		if t.Label != "" {
			c.StrokeLine2(style, x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
		}
	}
	for _, t := range ys {
		if t.Label != "" {
			c.StrokeLine2(style, c.Min.X, y(t.Value), c.Max.X, y(t.Value))
		}
	}
}

// drawSeries draws ours last, so that they are on top.
func (l *lines) drawSeries(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, s := range slices.Backward(l.series) { // by family, of which ours is the first
		var path []vg.Point
		for _, q := range s.points {
			at := vg.Point{X: x(q.x), Y: y(q.y)}
			path = append(path, at)
			if q.low < q.high {
				whisker(&c, s.look, at.X, y(max(q.low, p.Y.Min)), y(min(q.high, p.Y.Max)))
			}
		}
		c.StrokeLines(s.look.line(), path)
		for _, at := range path {
			if l.glyphs {
				c.DrawGlyphNoClip(s.look.glyph(2.4), at)
			}
		}
	}
}

func whisker(c *draw.Canvas, l look, x, low, high vg.Length) {
	color := l.color
	color.A = 0xb0
	style := draw.LineStyle{Color: color, Width: vg.Points(0.8)}
	c.StrokeLine2(style, x, low, x, high)
	c.StrokeLine2(style, x-2, low, x+2, low)
	c.StrokeLine2(style, x-2, high, x+2, high)
}

// Between the plot and the names there are leaders, in the contestant's colour.
const (
	leaderWidth = 34
	maxLabel    = 28 // characters
)

func (l *lines) labelRoom() vg.Length {
	widest := vg.Length(0)
	for _, s := range l.series {
		widest = max(widest, roomFor(lettering(10, ink, s.look.family == ours), short(s.name, maxLabel)))
	}
	return leaderWidth + widest + 4
}

// drawLabels puts names at one side, in the order of the lines' ends there and without overlap.
func (l *lines) drawLabels(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	order := slices.Clone(l.series)
	slices.SortStableFunc(order, func(a, b series) int { return cmp.Compare(l.end(b).y, l.end(a).y) })
	want := make([]float64, len(order))
	for i, s := range order {
		want[i] = float64(c.Max.Y - y(l.end(s).y)) // downwards, as names are read
	}
	at := spread(want, labelStep, 0, float64(c.Max.Y-c.Min.Y))
	edge, outwards := c.Max.X, vg.Length(1)
	if l.x.left {
		edge, outwards = c.Min.X, -1
	}
	for i, s := range order {
		end := vg.Point{X: x(l.end(s).x), Y: y(l.end(s).y)}
		name := vg.Point{X: edge + outwards*leaderWidth, Y: c.Max.Y - vg.Length(at[i])}
		color := s.look.color
		color.A = 0x90
		leader := draw.LineStyle{Color: color, Width: vg.Points(0.6), Dashes: []vg.Length{1.5, 1.5}}
		c.StrokeLines(leader, []vg.Point{{X: end.X + outwards*3, Y: end.Y}, {X: edge + outwards*4, Y: end.Y}, {X: name.X - outwards*4, Y: name.Y}})
		style := lettering(10, textColor(s.look.color), s.look.family == ours)
		if l.x.left {
			style.XAlign = draw.XRight
		}
		write(c, style, name, short(s.name, maxLabel))
	}
}

// end is where a line's name belongs.
func (l *lines) end(s series) point {
	if l.x.left {
		return s.points[0]
	}
	return s.points[len(s.points)-1]
}

// spread moves rising places apart by step at least and into low to high, each as little as it can: those that touch move as one.
// If there is no room for all they are closer.
func spread(want []float64, step, low, high float64) []float64 {
	if n := float64(len(want) - 1); n > 0 {
		step = min(step, (high-low)/n)
	}
	type block struct {
		sum float64 // of the wishes, less the places in the block
		n   int
	}
	var blocks []block
	start := func(b block) float64 {
		return min(max(b.sum/float64(b.n), low), high-step*float64(b.n-1))
	}
	for _, w := range want {
		b := block{w, 1}
		for len(blocks) > 0 {
			before := blocks[len(blocks)-1]
			if start(before)+step*float64(before.n) <= start(b) {
				break
			}
			b = block{before.sum + b.sum - step*float64(before.n)*float64(b.n), before.n + b.n}
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	var places []float64
	for _, b := range blocks {
		for i := range b.n {
			places = append(places, start(b)+step*float64(i))
		}
	}
	return places
}
