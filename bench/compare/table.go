package main

import (
	"fmt"
	"slices"
	"strings"

	"shmpipe/bench/internal/host"
)

// table sums results up: a row a contestant, a column a size, the median and the quartiles of all rounds; then, for each other
// contestant, the median over the rounds of shmpipe's ratio to it in the same round; for near and for far rounds.
func table(what string, results []result) string {
	var b strings.Builder
	for _, group := range []struct {
		name string
		in   func(result) bool
	}{
		{"Cores near (raw round trip below 220 ns)", func(r result) bool { return r.Floor < host.NearBelow }},
		{"Cores far", func(r result) bool { return r.Floor >= host.NearBelow }},
	} {
		var in []result
		ran := false
		for _, r := range results {
			if r.Error != "" || group.in(r) {
				in = append(in, r)
				ran = ran || r.Error == ""
			}
		}
		if ran {
			fmt.Fprintf(&b, "%s:\n\n%s\n", group.name, groupTable(what, in))
		}
	}
	if b.Len() == 0 {
		b.WriteString(groupTable(what, results))
	}
	return b.String()
}

func groupTable(what string, results []result) string {
	var rows, columns []string
	for _, r := range results {
		if !slices.Contains(rows, r.Contest) {
			rows = append(rows, r.Contest)
		}
		if !slices.Contains(columns, r.Column) {
			columns = append(columns, r.Column)
		}
	}
	sortRows(rows)
	sortColumns(columns)
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, row := range rows {
		fmt.Fprintf(&b, "| %s |", row)
		for _, column := range columns {
			fmt.Fprintf(&b, " %s |", cell(what, results, row, column))
		}
		b.WriteByte('\n')
	}
	for _, row := range rows {
		if strings.HasPrefix(row, "shmpipe") && what != "batch" || row == "shmpipe" {
			continue
		}
		fmt.Fprintf(&b, "| *shmpipe ÷ %s* |", row)
		for _, column := range columns {
			fmt.Fprintf(&b, " %s |", ratio(results, row, column))
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// sortRows puts shmpipe first and leaves the rest in order.
func sortRows(rows []string) {
	slices.SortStableFunc(rows, func(x, y string) int {
		ours := func(s string) int {
			if strings.HasPrefix(s, "shmpipe") {
				return 0
			}
			return 1
		}
		return ours(x) - ours(y)
	})
}

// sortColumns puts sizes in their order; others stay.
func sortColumns(columns []string) {
	slices.SortStableFunc(columns, func(x, y string) int {
		var a, b int
		_, _ = fmt.Sscanf(x, "%d", &a) // 0 for a column that is no size
		_, _ = fmt.Sscanf(y, "%d", &b)
		if a != b {
			return a - b
		}
		return strings.Compare(x, y)
	})
}

func cell(what string, results []result, row, column string) string {
	var values []float64
	failure := ""
	for _, r := range results {
		if r.Contest != row || r.Column != column {
			continue
		}
		if r.Error != "" {
			failure = r.Error
			continue
		}
		values = append(values, r.Value)
	}
	if len(values) == 0 {
		return failure
	}
	if what == "thr" || what == "batch" || what == "copy" {
		for i := range values {
			values[i] /= 1e6
		}
	}
	slices.Sort(values)
	return fmt.Sprintf("%s [%s..%s]", number(host.Quantile(values, 0.5)), number(host.Quantile(values, 0.25)), number(host.Quantile(values, 0.75)))
}

// ratio compares shmpipe with another contestant round by round.
func ratio(results []result, other, column string) string {
	rounds := map[int][2]float64{}
	for _, r := range results {
		if r.Column != column || r.Error != "" || r.Value == 0 {
			continue
		}
		pair := rounds[r.Round]
		switch r.Contest {
		case "shmpipe", "shmpipe, block":
			pair[0] = r.Value
		case other:
			pair[1] = r.Value
		}
		rounds[r.Round] = pair
	}
	var ratios []float64
	for _, pair := range rounds {
		if pair[0] != 0 && pair[1] != 0 {
			ratios = append(ratios, pair[0]/pair[1])
		}
	}
	if len(ratios) == 0 {
		return ""
	}
	slices.Sort(ratios)
	return fmt.Sprintf("**%.2f** [%.2f..%.2f]", host.Quantile(ratios, 0.5), host.Quantile(ratios, 0.25), host.Quantile(ratios, 0.75))
}

func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
