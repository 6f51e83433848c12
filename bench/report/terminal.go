package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"shmpipe/bench/result"
)

const (
	nameWidth = 32 // at most, of a contestant in a terminal
	gutter    = 2  // blanks between columns
)

// Terminal writes tables for people to w, in lines of at most width characters as far as one column fits; 0 is as wide as need be.
// The first line names the machine and says CLEAN or why the figures are not. The best of each column has a star, and with color a colour.
// It returns the error of w.
func Terminal(w io.Writer, r *result.Report, width int, color bool) error {
	b := newBook(r)
	p := printer{width: width, color: color}
	p.line("%s: %s", b.machine(), p.verdict(b))
	for _, about := range []string{b.tools(), b.leftOut()} {
		if about != "" {
			p.line("%s.", about)
		}
	}
	p.line("%s. Median of the rounds, with the %s; * is the best of its column.", b.planLine(), b.spread())
	some := false
	if g := b.glance(); len(g.rows) > 0 {
		p.line("")
		p.line("%s", p.bold(g.title))
		p.line("How many times as good in the same round: above 1, shmpipe is better.")
		p.grid(g)
	}
	for _, l := range layouts {
		if l.pageOnly {
			continue
		}
		for _, part := range b.parts(l) {
			for i, g := range part.grids {
				some = true
				p.line("")
				p.line("%s", p.bold(g.title))
				if i == 0 {
					p.line("%s", l.about)
				}
				p.grid(g)
			}
		}
	}
	if !some {
		p.line("")
		p.line("no figures")
	}
	p.gaps("Failed", b.failed())
	p.gaps("Absent", b.absent())
	p.gaps("Cannot do", b.skipped())
	_, err := io.WriteString(w, p.text.String())
	return err
}

// printer puts a terminal's text together.
type printer struct {
	text  strings.Builder
	width int
	color bool
}

func (p *printer) line(format string, args ...any) {
	fmt.Fprintf(&p.text, format, args...)
	p.text.WriteByte('\n')
}

// paint is not left to a library, which would look at the environment: the caller knows whether this is a terminal.
func (p *printer) paint(code, s string) string {
	if !p.color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p *printer) bold(s string) string { return p.paint("1", s) }

func (p *printer) verdict(b *book) string {
	if len(b.verdict()) == 0 {
		return p.paint("1;32", b.verdictLine())
	}
	return p.paint("1;31", b.verdictLine())
}

// grid prints a table, and in pieces if it is wider than the terminal.
func (p *printer) grid(g grid) {
	name := 0
	for _, r := range g.rows {
		name = max(name, utf8.RuneCountInString(short(r.name, nameWidth)))
	}
	for first := 0; first < len(g.columns); {
		last, used := first, name
		for last < len(g.columns) {
			used += gutter + g.terminalWidth(last)
			if last > first && p.width > 0 && used > p.width {
				break
			}
			last++
		}
		p.columns(g, first, last)
		first = last
	}
}

func (g *grid) terminalWidth(i int) int {
	n := max(utf8.RuneCountInString(g.columns[i].head), utf8.RuneCountInString(g.columns[i].step.name))
	for r, row := range g.rows {
		n = max(n, utf8.RuneCountInString(terminalCell(row.cells[i], r == g.columns[i].best)))
	}
	return n
}

func terminalCell(c gridCell, best bool) string {
	s := c.number()
	if best {
		s += "*"
	}
	if percent := c.percent(); percent != "" {
		return fmt.Sprintf("%s %4s", s, percent) // most have one or two digits: figures stand in line
	}
	return s
}

func (p *printer) columns(g grid, first, last int) {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", strings.Repeat(" ", gutter)
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	head, units, aligned := table.Row{""}, table.Row{""}, []table.ColumnConfig{}
	for i, c := range g.columns[first:last] {
		head, units = append(head, c.head), append(units, c.step.name)
		aligned = append(aligned, table.ColumnConfig{Number: i + 2, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(aligned)
	t.AppendHeader(head)
	if slices.ContainsFunc(g.columns[first:last], func(c gridColumn) bool { return c.step.name != "" }) {
		t.AppendHeader(units)
	}
	for r, row := range g.rows {
		line := table.Row{short(row.name, nameWidth)}
		for i := first; i < last; i++ {
			best := r == g.columns[i].best
			cell := terminalCell(row.cells[i], best)
			switch {
			case best:
				cell = p.paint("1;32", cell)
			case row.cells[i].word == failedWord:
				cell = p.paint("31", cell)
			}
			line = append(line, cell)
		}
		t.AppendRow(line)
	}
	p.line("%s", t.Render())
}

func (p *printer) gaps(title string, gaps []gap) {
	if len(gaps) == 0 {
		return
	}
	p.line("")
	p.line("%s", p.bold(title))
	for _, g := range gaps {
		p.line("  %s", join(": ", short(g.Contestant, nameWidth), g.What, g.Why))
	}
}
