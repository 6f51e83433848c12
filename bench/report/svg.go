package report

import (
	"bytes"
	"fmt"
	"html"
	"strconv"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// measuring is a canvas that remembers how wide its texts are meant to be: whoever looks at the file may have other fonts.
type measuring struct {
	*vgsvg.Canvas
	widths []vg.Length
}

// FillString implements vg.Canvas.
func (m *measuring) FillString(f font.Face, at vg.Point, s string) {
	m.widths = append(m.widths, f.Width(s))
	m.Canvas.FillString(f, at, s)
}

// svg is the plot as a file of its own: with a title and a description for who cannot see it.
func (f figure) svg() ([]byte, error) {
	w, h := f.size()
	canvas := &measuring{Canvas: vgsvg.New(w, h)}
	f.draw(draw.NewCanvas(canvas, w, h))
	var raw bytes.Buffer
	if _, err := canvas.WriteTo(&raw); err != nil {
		return nil, fmt.Errorf("draw %s: %w", f.id, err)
	}
	_, body, ok := bytes.Cut(raw.Bytes(), []byte("<svg"))
	if ok {
		_, body, ok = bytes.Cut(body, []byte(">\n"))
	}
	if !ok {
		return nil, fmt.Errorf("draw %s: the canvas wrote no svg element", f.id)
	}
	var s bytes.Buffer
	fmt.Fprintf(&s, `<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %g %g" role="img" aria-labelledby="%s-t %s-d">`+"\n",
		float64(w), float64(h), float64(w), float64(h), f.id, f.id)
	fmt.Fprintf(&s, "<title id=\"%s-t\">%s</title>\n<desc id=\"%s-d\">%s</desc>\n", f.id, html.EscapeString(clean(f.title)), f.id,
		html.EscapeString(clean(f.alt)))
	canvas.fitTexts(&s, body)
	return s.Bytes(), nil
}

var (
	textTag    = []byte("<text ")
	fontFamily = []byte("font-family:Liberation Sans;font-variant:normal")
	fallbacks  = []byte("font-family:'Liberation Sans',Arimo,Arial,Helvetica,sans-serif")
)

// fitTexts gives each text its width, whatever the font, and fonts of the same widths to prefer. A contestant's name cannot look like a tag:
// the canvas has escaped it.
func (m *measuring) fitTexts(s *bytes.Buffer, body []byte) {
	body = bytes.ReplaceAll(body, fontFamily, fallbacks)
	for _, width := range m.widths {
		before, after, ok := bytes.Cut(body, textTag)
		if !ok {
			break
		}
		s.Write(before)
		s.Write(textTag)
		if width > 0 {
			s.WriteString(`textLength="` + strconv.FormatFloat(width.Points(), 'f', 1, 64) + `" lengthAdjust="spacingAndGlyphs" `)
		}
		body = after
	}
	s.Write(body)
}
