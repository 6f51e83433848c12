package report

import (
	"image/color"
	"math"
	"slices"
	"unicode/utf8"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Measures of all plots, in points.
const (
	figureWidth = 800
	margin      = 14
	headHeight  = 68 // title, subtitle and families
	labelStep   = 12.5
)

var (
	ink     = color.NRGBA{0x22, 0x22, 0x22, 0xff}
	softInk = color.NRGBA{0x60, 0x60, 0x60, 0xff}
	gridInk = color.NRGBA{0xe4, 0xe4, 0xe4, 0xff}
)

// lettering is a style of text. Sizes are in points.
func lettering(size float64, c color.Color, bold bool) text.Style {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(size)}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return text.Style{Color: c, Font: f, Handler: plot.DefaultTextHandler, YAlign: draw.YCenter}
}

// unseen is for lines that only take room, so that they hide no letters of a wider font. It is not quite nothing: of that, an SVG's colour is computed
// by a division by zero.
var unseen = color.NRGBA{R: 255, G: 255, B: 255, A: 1}

// roomFor is what a text may take, in points, in the fonts of whoever looks at the file: those that stand in for ours can be wider.
func roomFor(style text.Style, s string) vg.Length {
	em := 0.65 // of a character, on average: DejaVu's are among the widest
	if style.Font.Weight == xfont.WeightBold {
		em = 0.73
	}
	return max(style.Width(s), style.Font.Size*vg.Length(em)*vg.Length(utf8.RuneCountInString(s)))
}

// fitting is a style in which a text takes no more than so much room: smaller letters, if it has to be.
func fitting(style text.Style, s string, room vg.Length) text.Style {
	if wide := roomFor(style, s); wide > room {
		style.Font.Size *= room / wide
	}
	return style
}

// newPlot has axes in our lettering, and no legend.
func newPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.LineStyle.Width, axis.LineStyle.Color = vg.Points(0.7), softInk
		axis.Tick.LineStyle.Width, axis.Tick.LineStyle.Color = vg.Points(0.7), softInk
		axis.Tick.Length = vg.Points(4)
		axis.Padding = 0
		x, y := axis.Tick.Label.XAlign, axis.Tick.Label.YAlign
		axis.Tick.Label = lettering(9.5, ink, false)
		axis.Tick.Label.XAlign, axis.Tick.Label.YAlign = x, y
		x, y = axis.Label.TextStyle.XAlign, axis.Label.TextStyle.YAlign
		axis.Label.TextStyle = lettering(10, softInk, false)
		axis.Label.TextStyle.XAlign, axis.Label.TextStyle.YAlign = x, y
		axis.Label.Padding = vg.Points(3)
	}
	p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = draw.XCenter, draw.YTop
	p.Y.Tick.Label.XAlign, p.Y.Tick.Label.YAlign = draw.XRight, draw.YCenter
	return p
}

// draw paints the card, the head and the chart.
func (f figure) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Rectangle.Path())
	left, top := c.Min.X+margin, c.Max.Y
	wide := c.Max.X - c.Min.X - 2*margin
	title, subtitle := short(f.title, 90), short(f.subtitle, 150)
	c.FillText(fitting(lettering(14, ink, true), title, wide), vg.Point{X: left, Y: top - 18}, title)
	c.FillText(fitting(lettering(10, softInk, false), subtitle, wide), vg.Point{X: left, Y: top - 35}, subtitle)
	x := left
	for _, member := range f.chart.members() {
		l := look{family: member, color: tones[member]}
		at := vg.Point{X: x + 9, Y: top - 52}
		c.StrokeLine2(draw.LineStyle{Color: l.color, Width: vg.Points(1.8)}, at.X-9, at.Y, at.X+9, at.Y)
		c.DrawGlyphNoClip(l.glyph(3.2), at)
		style := lettering(10, ink, false)
		write(c, style, vg.Point{X: x + 23, Y: at.Y}, member.String())
		x += 23 + roomFor(style, member.String()) + 18
	}
	f.chart.draw(draw.Crop(c, margin, -margin, margin, -headHeight))
}

// write sets text so that its small letters, not its boxes, are in the middle of a height.
func write(c draw.Canvas, style text.Style, at vg.Point, s string) {
	at.Y += style.Font.Size * 0.11
	c.FillText(style, at, s)
}

// membersOf are the families of some looks, in order.
func membersOf(looks []look) []family {
	var list []family
	for member := range families {
		if slices.ContainsFunc(looks, func(l look) bool { return l.family == member }) {
			list = append(list, member)
		}
	}
	return list
}

func (f figure) size() (w, h vg.Length) { return figureWidth, f.chart.height() + headHeight + margin }

// glyph tells families apart without colour.
func (l look) glyph(radius vg.Length) draw.GlyphStyle {
	g := draw.GlyphStyle{Color: l.color, Radius: radius}
	switch l.family {
	case ours:
		g.Shape, g.Radius = draw.CircleGlyph{}, radius*1.1
	case sharedMemory:
		g.Shape, g.Radius = draw.BoxGlyph{}, radius*0.9
	case kernel:
		g.Shape, g.Radius = draw.PyramidGlyph{}, radius*1.25
	default:
		g.Shape, g.Radius = diamond{}, radius*1.3
	}
	return g
}

// diamond is a filled square on its corner.
type diamond struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (diamond) DrawGlyph(c *draw.Canvas, sty draw.GlyphStyle, pt vg.Point) {
	var p vg.Path
	p.Move(vg.Point{X: pt.X - sty.Radius, Y: pt.Y})
	p.Line(vg.Point{X: pt.X, Y: pt.Y + sty.Radius})
	p.Line(vg.Point{X: pt.X + sty.Radius, Y: pt.Y})
	p.Line(vg.Point{X: pt.X, Y: pt.Y - sty.Radius})
	p.Close()
	c.SetColor(sty.Color)
	c.Fill(p)
}

// line is how a contestant's line is drawn: ours stand out.
func (l look) line() draw.LineStyle {
	s := draw.LineStyle{Color: l.color, Width: vg.Points(1.3)}
	if l.family == ours {
		s.Width = vg.Points(2.4)
	}
	switch l.dash {
	case 1:
		s.Dashes = []vg.Length{7, 2.5}
	case 2:
		s.Dashes = []vg.Length{3, 2}
	case 3:
		s.Dashes = []vg.Length{8, 2, 2, 2}
	}
	return s
}

// logTicks are powers of ten, with steps in between: labelled if there are few powers.
func logTicks(low, high float64, u unit) []plot.Tick {
	var ticks []plot.Tick
	few := math.Log10(high/low) < 2.2
	for e := math.Floor(math.Log10(low)) - 1; e <= math.Ceil(math.Log10(high)); e++ {
		for n := 1; n < 10; n++ {
			v := float64(n) * math.Pow(10, e)
			if v < low*0.999 || v > high*1.001 {
				continue
			}
			label := ""
			if n == 1 || few && (n == 2 || n == 5) {
				s := u.fit(v)
				label = join(" ", digits(v/s.size, max(0, decimals(v/s.size)-2)), s.name)
			}
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	return ticks
}
