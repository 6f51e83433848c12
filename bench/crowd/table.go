package crowd

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"shmpipe/bench/internal/host"
)

// measure is one figure of a run.
type measure struct {
	title string
	of    func(result) float64
}

var measures = []measure{
	{"Million messages a second", func(r result) float64 { return r.rate() / 1e6 }},
	{"CPU time of all processes, ns a message", result.cpuPerMessage},
}

// report is a table of each measure for the near rounds and for the far ones, and what went wrong.
func report(all []outcome, base string) string {
	var b strings.Builder
	for _, group := range []struct {
		title string
		in    func(floor float64) bool
	}{
		{"cores near (raw round trip below 220 ns)", func(ns float64) bool { return ns > 0 && ns < host.NearBelow }},
		{"cores far", func(ns float64) bool { return ns >= host.NearBelow }},
		{"raw round trip not measured (make bench-build)", func(ns float64) bool { return ns == 0 }},
	} {
		var in []outcome
		for _, o := range all {
			if o.err == nil && group.in(o.floor) {
				in = append(in, o)
			}
		}
		for _, m := range measures {
			if len(in) > 0 {
				fmt.Fprintf(&b, "%s, %s:\n\n%s\n", m.title, group.title, table(in, base, m))
			}
		}
	}
	for _, o := range all {
		if o.err != nil {
			fmt.Fprintf(&b, "- %v\n", o)
		}
	}
	return b.String()
}

// column is what the runs of one column have in common.
type column struct {
	shape shape
	size  int
}

func (o outcome) column() column { return column{o.Shape, o.Size} }

// table has a row for each contestant and a column for each shape and size: median and quartiles; then, for each but the base, those of
// its ratio to the base in the same round.
func table(all []outcome, base string, m measure) string {
	rows := distinct(all, func(o outcome) string { return o.Name }, func(x, y string) int {
		return cmp.Or(cmp.Compare(order(x, base), order(y, base)), cmp.Compare(x, y))
	})
	columns := distinct(all, outcome.column, func(x, y column) int {
		return cmp.Or(cmp.Compare(x.shape.Producers, y.shape.Producers), cmp.Compare(x.shape.Consumers, y.shape.Consumers), cmp.Compare(x.size, y.size))
	})
	var b strings.Builder
	b.WriteString("| |")
	for _, c := range columns {
		fmt.Fprintf(&b, " %v, %d B |", c.shape, c.size)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(columns)) + "\n")
	row := func(title string, cell func(column) string) {
		fmt.Fprintf(&b, "| %s |", title)
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", cell(c))
		}
		b.WriteByte('\n')
	}
	for _, name := range rows {
		row(name, func(c column) string { return spread(values(all, name, c, m)) })
	}
	for _, name := range rows {
		if name != base {
			row("*"+name+" ÷ "+base+"*", func(c column) string { return spread(ratios(all, name, base, c, m)) })
		}
	}
	return b.String()
}

// order puts the base first.
func order(name, base string) int {
	if name == base {
		return 0
	}
	return 1
}

// distinct are the sorted values that the outcomes have.
func distinct[T comparable](all []outcome, of func(outcome) T, compare func(T, T) int) []T {
	seen := make(map[T]bool)
	for _, o := range all {
		seen[of(o)] = true
	}
	return slices.SortedFunc(maps.Keys(seen), compare)
}

// values are a contestant's figures in a column, by round.
func values(all []outcome, name string, c column, m measure) map[int]float64 {
	found := make(map[int]float64)
	for _, o := range all {
		if o.Name == name && o.column() == c {
			found[o.round] = m.of(o.result)
		}
	}
	return found
}

// ratios are those of two contestants in the same round.
func ratios(all []outcome, name, base string, c column, m measure) map[int]float64 {
	found, other := make(map[int]float64), values(all, base, c, m)
	for round, v := range values(all, name, c, m) {
		if other[round] != 0 {
			found[round] = v / other[round]
		}
	}
	return found
}

// spread is the median of the rounds' figures, the quartiles, and how many they are.
func spread(rounds map[int]float64) string {
	if len(rounds) == 0 {
		return ""
	}
	v := slices.Sorted(maps.Values(rounds))
	return fmt.Sprintf("**%.3g** [%.3g..%.3g] n=%d", host.Quantile(v, 0.5), host.Quantile(v, 0.25), host.Quantile(v, 0.75), len(v))
}
