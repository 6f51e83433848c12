package report

import (
	"fmt"
	"io"
	"strings"

	"shmpipe/bench/result"
)

// Markdown writes the same as [Terminal] as tables for a document, with confidence intervals in brackets and the best of each column bold;
// and how shmpipe compares with each other in the same round. It returns the error of w.
func Markdown(w io.Writer, r *result.Report) error {
	b := newBook(r)
	var s strings.Builder
	fmt.Fprintf(&s, "%s.\n\n", escape(join(". ", b.machine(), b.tools(), b.planLine(), b.leftOut())))
	if why := b.verdict(); len(why) > 0 {
		fmt.Fprintf(&s, "> **%s**\n\n", escape(b.verdictLine()))
	}
	fmt.Fprintf(&s, "Medians of the rounds; in brackets the %s; the best of each column is bold.\n", b.spread())
	for _, l := range layouts {
		parts := b.parts(l)
		if l.pageOnly || len(parts) == 0 {
			continue
		}
		fmt.Fprintf(&s, "\n### %s\n\n%s\n", l.title, l.about)
		for _, p := range parts {
			for _, g := range append(p.grids, p.ratios...) {
				fmt.Fprintf(&s, "\n%s:\n\n", escape(g.title))
				markdownGrid(&s, g, gridCell.interval)
			}
		}
	}
	markdownGaps(&s, "Failed", b.failed())
	markdownGaps(&s, "Absent", b.absent())
	markdownGaps(&s, "Cannot do", b.skipped())
	_, err := io.WriteString(w, s.String())
	return err
}

// markdownGrid writes a table; spread is what stands behind each figure.
func markdownGrid(s *strings.Builder, g grid, spread func(gridCell) string) {
	s.WriteString("| |")
	for _, c := range g.columns {
		fmt.Fprintf(s, " %s |", escape(c.headText()))
	}
	fmt.Fprintf(s, "\n|---|%s\n", strings.Repeat("---:|", len(g.columns)))
	for r, row := range g.rows {
		fmt.Fprintf(s, "| %s |", escape(clean(row.name)))
		for i, c := range row.cells {
			text := c.number()
			if r == g.columns[i].best {
				text = "**" + text + "**"
			}
			if text = join(" ", text, spread(c)); text == "" {
				s.WriteString(" |")
			} else {
				fmt.Fprintf(s, " %s |", text)
			}
		}
		s.WriteByte('\n')
	}
}

func markdownGaps(s *strings.Builder, title string, gaps []gap) {
	if len(gaps) == 0 {
		return
	}
	fmt.Fprintf(s, "\n### %s\n\n", title)
	for _, g := range gaps {
		fmt.Fprintf(s, "- %s\n", escape(join(": ", g.Contestant, g.What, g.Why)))
	}
}

var escaper = strings.NewReplacer(`\`, `\\`, "|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "#", `\#`, "~", `\~`)

// escape makes a text of the report stand for itself in Markdown.
func escape(s string) string { return escaper.Replace(clean(s)) }
