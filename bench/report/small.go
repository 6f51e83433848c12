package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"shmpipe/bench/result"
)

// What a reader of the README will have heard of, in the order of its table.
var (
	knownOurs   = [][]string{{"shmpipe", "shmpipe-spsc", "shmpipe-posix"}, {"shmpipe-mpmc", "shmpipe-mpmc-posix"}} // the first of each that ran
	knownOthers = []string{"pipe", "unix-stream", "posix-mq", "sysv-mq", "tcp", "gvisor-pipe", "shmipc", "zmq", "nng", "grpc"}
)

// Small writes the README's table in Markdown: few columns, no contestant that did not run, and the machine in one line under it.
// Figures are of the cores that most rounds had. It returns the error of w.
func Small(w io.Writer, r *result.Report) error {
	b := newBook(r)
	g := b.smallGrid()
	var s strings.Builder
	if len(g.rows) == 0 {
		s.WriteString("No figures.\n")
	} else {
		markdownGrid(&s, g, gridCell.percent)
	}
	notes := join("; ", "median ± "+b.spread(), b.coresText(b.main))
	fmt.Fprintf(&s, "\n%s. %s; %s", escape(b.machine()), escape(b.planLine()), notes)
	if len(b.verdict()) > 0 {
		fmt.Fprintf(&s, ". **%s**", escape(b.verdictLine()))
	}
	s.WriteString(".\n")
	_, err := io.WriteString(w, s.String())
	return err
}

// smallColumn asks for one figure, with the ways of waiting that will do, the best first.
type smallColumn struct {
	head  string
	mode  string
	size  int
	waits []string
	m     measure
}

func (b *book) smallGrid() grid {
	either := []string{result.Busy, result.Block}
	rtt := b.nearestSize(result.RoundTrip, 64)
	thr := b.nearestSize(result.Throughput, 64)
	large := b.nearestSize(result.Throughput, 4096)
	rate := measure{value: result.MessagesPerSecond, unit: perSecond, more: true}
	p50 := measure{value: result.P50, unit: nanoseconds}
	columns := []smallColumn{
		{"messages, " + sizeText(thr), result.Throughput, thr, either, rate},
		{"messages, " + sizeText(large), result.Throughput, large, either, rate},
		{"round trip busy, " + sizeText(rtt), result.RoundTrip, rtt, []string{result.Busy}, p50},
		{"round trip blocking, " + sizeText(rtt), result.RoundTrip, rtt, []string{result.Block}, p50},
		{"CPU per message, " + sizeText(thr), result.Throughput, thr, either, measure{value: result.CPUPerMessage, unit: nanoseconds}},
	}
	if thr == large {
		columns = slices.Delete(columns, 1, 2)
	}
	g := grid{title: "At a glance"}
	for _, c := range columns {
		g.columns = append(g.columns, gridColumn{head: c.head, m: c.m, best: -1})
	}
	for _, name := range b.knownNames() {
		r := gridRow{name: name}
		for _, c := range columns {
			r.cells = append(r.cells, b.smallCell(name, c))
		}
		if slices.ContainsFunc(r.cells, func(c gridCell) bool { return c.ok }) {
			g.rows = append(g.rows, r)
		}
	}
	order := slices.Clone(g.rows)
	g.finish()
	if len(g.columns) == len(columns) { // as a reader looks for them, not by their figures
		g.reorder(order)
	}
	return g
}

// reorder puts rows back as they were before they were sorted, and lets the marks follow them.
func (g *grid) reorder(before []gridRow) {
	var rows []gridRow
	best := slices.Clone(g.columns)
	for _, r := range before {
		from := slices.IndexFunc(g.rows, func(x gridRow) bool { return x.name == r.name })
		for i := range g.columns {
			if best[i].best == from {
				g.columns[i].best = len(rows)
			}
		}
		rows = append(rows, g.rows[from])
	}
	g.rows = rows
}

func (b *book) smallCell(name string, c smallColumn) gridCell {
	for _, wait := range c.waits {
		for _, k := range b.keys(c.mode) {
			if k.Size == c.size && k.Wait == wait && k.Batch <= 1 {
				if cell := b.cell(name, gridColumn{key: k, m: c.m}, b.main); cell.ok {
					return cell
				}
			}
		}
	}
	return gridCell{}
}

// nearestSize is the size that was measured in a mode and is least far from the one that is wanted.
func (b *book) nearestSize(mode string, want int) int {
	best := want
	for i, k := range b.keys(mode) {
		if i == 0 || cmp.Or(cmp.Compare(distance(k.Size, want), distance(best, want)), cmp.Compare(k.Size, best)) < 0 {
			best = k.Size
		}
	}
	return best
}

// distance is in powers of two, more or less.
func distance(size, want int) float64 {
	a, b := float64(max(size, 1)), float64(max(want, 1))
	return max(a/b, b/a)
}

// knownNames are the contestants for the small table. A variant stands for what has no plain form here, such as tcp-loopback for tcp; and all
// of ours stand there if they have other names than expected.
func (b *book) knownNames() []string {
	var names []string
	for _, same := range knownOurs {
		if i := slices.IndexFunc(same, func(n string) bool { return slices.Contains(b.names, n) }); i >= 0 {
			names = append(names, same[i])
		}
	}
	if len(names) == 0 {
		for _, name := range b.names {
			if familyOf(name) == ours {
				names = append(names, name)
			}
		}
	}
	for _, name := range knownOthers {
		i := slices.Index(b.names, name)
		if i < 0 {
			i = slices.IndexFunc(b.names, func(n string) bool { return strings.HasPrefix(n, name+"-") })
		}
		if i >= 0 {
			names = append(names, b.names[i])
		}
	}
	return names
}
