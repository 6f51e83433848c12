package report

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"shmpipe/bench/result"
)

const (
	barStep = 17 // points from one bar to the next
	noBar   = 1  // points that a figure of zero is wide: it is drawn, and says so
)

// bar is one contestant's figure.
type bar struct {
	name string
	look look
	point
	text string // with its unit and how far its interval reaches
}

// bars are drawn to the right from a logarithmic axis, the best at the top.
type bars struct {
	list []bar
	unit unit
}

// barsChart is nil if there are no figures.
func (b *book) barsChart(p part, k result.Key) *bars {
	m := p.layout.measures[0]
	c := &bars{unit: m.unit}
	for _, name := range b.names {
		cell := b.cell(name, gridColumn{key: k, m: m}, b.group(p))
		if !cell.ok {
			continue
		}
		c.list = append(c.list, bar{name, b.looks[name], point{y: cell.value, low: cell.low, high: cell.high},
			join(" ", m.unit.text(cell.value), cell.percent())})
	}
	if len(c.list) == 0 {
		return nil
	}
	slices.SortStableFunc(c.list, func(x, y bar) int {
		if m.more {
			x, y = y, x
		}
		return cmp.Compare(x.y, y.y)
	})
	return c
}

// words is the whole plot for who cannot see it.
func (b *bars) words() string {
	text := ""
	for _, one := range b.list {
		text = join(", ", text, clean(one.name)+" "+one.text)
	}
	return text + "."
}

func (b *bars) height() vg.Length { return vg.Length(len(b.list))*barStep + 34 }

func (b *bars) members() []family {
	var looks []look
	for _, one := range b.list {
		looks = append(looks, one.look)
	}
	return membersOf(looks)
}

func (b *bars) draw(c draw.Canvas) {
	p := newPlot()
	p.X.Scale = plot.LogScale{}
	p.X.Min, p.X.Max = b.span()
	ticks := logTicks(p.X.Min, p.X.Max, b.unit)
	p.X.Tick.Marker = plot.ConstantTicks(ticks)
	n := len(b.list)
	p.Y.Min, p.Y.Max = -0.6, float64(n)-0.4
	p.Y.LineStyle.Width, p.Y.Tick.LineStyle.Color = 0, unseen // ticks only keep the names away
	var names []plot.Tick
	for i, one := range b.list {
		name := short(one.name, maxLabel)
		names = append(names, plot.Tick{Value: float64(n - 1 - i), Label: name})
		p.Y.Padding = max(p.Y.Padding, roomFor(p.Y.Tick.Label, name)-p.Y.Tick.Label.Width(name)) // a wider one grows towards the bars
	}
	p.Y.Tick.Marker = plot.ConstantTicks(names)
	room := vg.Length(0)
	for _, one := range b.list {
		room = max(room, roomFor(lettering(9.5, ink, one.look.family == ours), one.text))
	}
	inner := draw.Crop(c, 0, -room-12, 0, 0)
	data := p.DataCanvas(inner)
	drawGrid(data, p, ticks, nil)
	p.Draw(inner)
	x, y := p.Transforms(&data)
	for i, one := range b.list {
		middle := y(float64(n - 1 - i))
		half := vg.Length(barStep) * 0.34
		right := data.Min.X + noBar // nothing at all has no place on a logarithmic axis
		if one.y > 0 {
			right = x(one.y)
		}
		data.FillPolygon(tones[one.look.family], []vg.Point{{X: data.Min.X, Y: middle - half}, {X: right, Y: middle - half},
			{X: right, Y: middle + half}, {X: data.Min.X, Y: middle + half}})
		end := right
		if one.y > 0 && one.low < one.high {
			low, high := x(max(one.low, p.X.Min)), x(min(one.high, p.X.Max))
			style := draw.LineStyle{Color: ink, Width: vg.Points(0.9)}
			for _, l := range [][4]vg.Length{{low, middle, high, middle}, {low, middle - 2, low, middle + 2}, {high, middle - 2, high, middle + 2}} {
				data.StrokeLine2(style, l[0], l[1], l[2], l[3])
			}
			end = max(end, high)
		}
		write(data, lettering(9.5, ink, one.look.family == ours), vg.Point{X: end + 6, Y: middle}, one.text)
	}
}

// span begins at the power of ten below the least, so that its bar can be seen.
func (b *bars) span() (low, high float64) {
	low = math.Inf(1)
	for _, one := range b.list {
		if one.y <= 0 {
			continue
		}
		low, high = min(low, one.y), max(high, one.y, min(one.high, one.y*2))
	}
	if high == 0 { // nobody has anything
		return 1, 10
	}
	low = math.Pow(10, math.Floor(math.Log10(low*0.7)))
	return low, max(high*1.02, low*10)
}
