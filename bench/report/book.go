package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"shmpipe/bench/result"
)

// place says where a summary stands in a table.
type place struct {
	contestant string
	key        result.Key
	cores      result.Cores
}

// fate is why a contestant has no figure for a key.
type fate struct {
	skipped, failed string
}

// book is a report with an index, so that tables and plots look figures up instead of searching for them.
type book struct {
	report *result.Report
	found  map[string]map[place]result.Summary // by value; filled when it is asked for
	fates  map[place]fate
	names  []string // contestants that have at least one trial, by family and name
	looks  map[string]look
	groups []result.Cores                // in which figures are shown: near, far, or all
	byKey  map[result.Key]*result.Report // its trials of one key, so that a pair is not searched for among all
	main   result.Cores                  // the one that most trials fell into: plots show it
}

func newBook(r *result.Report) *book {
	b := &book{report: r, found: make(map[string]map[place]result.Summary), fates: make(map[place]fate),
		byKey: make(map[result.Key]*result.Report)}
	seen := make(map[string]bool)
	for _, t := range r.Trials {
		if !seen[t.Contestant] {
			seen[t.Contestant] = true
			b.names = append(b.names, t.Contestant)
		}
		if b.byKey[t.Key] == nil {
			b.byKey[t.Key] = &result.Report{Host: r.Host, Rounds: r.Rounds}
		}
		b.byKey[t.Key].Trials = append(b.byKey[t.Key].Trials, t)
		at := place{contestant: t.Contestant, key: t.Key}
		f := b.fates[at]
		f.skipped, f.failed = cmp.Or(f.skipped, t.Skipped), cmp.Or(f.failed, t.Error)
		b.fates[at] = f
	}
	slices.SortFunc(b.names, func(x, y string) int {
		return cmp.Or(cmp.Compare(familyOf(x), familyOf(y)), cmp.Compare(plainness(x), plainness(y)), cmp.Compare(x, y))
	})
	b.looks = looksOf(b.names)
	b.findGroups()
	return b
}

// findGroups looks where throughput and round trips were measured. Cores that nobody asked about are neither near nor far.
func (b *book) findGroups() {
	trials := make(map[result.Cores]int)
	for _, value := range []string{result.MessagesPerSecond, result.P50} {
		for at, s := range b.summaries(value) {
			trials[at.cores] += s.Trials
		}
	}
	b.main = result.All
	for _, c := range []result.Cores{result.Near, result.Far} {
		if trials[c] == 0 {
			continue
		}
		b.groups = append(b.groups, c)
		if b.main == result.All || trials[c] > trials[b.main] {
			b.main = c
		}
	}
	if len(b.groups) == 0 {
		b.groups = []result.Cores{result.All}
	}
}

func (b *book) summaries(value string) map[place]result.Summary {
	if m, ok := b.found[value]; ok {
		return m
	}
	m := make(map[place]result.Summary)
	for _, s := range b.report.Summaries(value) {
		if s.Trials > 0 && finite(s.Median) {
			m[place{s.Contestant, s.Key, s.Cores}] = s
		}
	}
	b.found[value] = m
	return m
}

// get looks a figure up. What was measured in one group only stands for all.
func (b *book) get(value, contestant string, k result.Key, c result.Cores) (result.Summary, bool) {
	m := b.summaries(value)
	s, ok := m[place{contestant, k, c}]
	if !ok && c == result.All {
		s, ok = m[place{contestant, k, b.main}]
	}
	return s, ok
}

// keys are those of a mode for which somebody has a figure or an error, in order.
func (b *book) keys(mode string) []result.Key {
	seen := make(map[result.Key]bool)
	var keys []result.Key
	for _, t := range b.report.Trials {
		if t.Key.Mode == mode && !seen[t.Key] && (len(t.Values) > 0 || t.Error != "") {
			seen[t.Key] = true
			keys = append(keys, t.Key)
		}
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}

func compareKeys(x, y result.Key) int {
	return cmp.Or(
		cmp.Compare(x.Mode, y.Mode),
		cmp.Compare(waitRank(x.Wait), waitRank(y.Wait)),
		cmp.Compare(x.Wait, y.Wait),
		cmp.Compare(x.Batch, y.Batch),
		cmp.Compare(x.Size, y.Size),
		cmp.Compare(x.Load, y.Load),
		compareShapes(x.Shape, y.Shape),
	)
}

func waitRank(wait string) int {
	switch wait {
	case result.Busy:
		return 0
	case result.Block:
		return 1
	}
	return 2
}

// compareShapes puts 2x2 before 10x10, and 1x4 before 4x1.
func compareShapes(x, y string) int {
	total := func(s string) (product, first int) {
		product = 1
		for i, part := range strings.Split(s, "x") {
			n, _ := strconv.Atoi(strings.TrimSpace(part)) // not a number: 0, before all others
			product *= n
			if i == 0 {
				first = n
			}
		}
		return product, first
	}
	px, fx := total(x)
	py, fy := total(y)
	return cmp.Or(cmp.Compare(px, py), cmp.Compare(fx, fy), cmp.Compare(x, y))
}

// verdict says whether the figures can be trusted: nothing if they can, else each reason why not.
func (b *book) verdict() []string {
	var why []string
	if !b.report.Complete {
		why = append(why, fmt.Sprintf("incomplete: interrupted in round %d of %d", len(b.report.Rounds), b.report.Plan.Rounds))
	}
	for _, d := range b.report.Dirt {
		why = append(why, clean(d))
	}
	return why
}

func (b *book) verdictLine() string {
	if why := b.verdict(); len(why) > 0 {
		return "NOT CLEAN: " + strings.Join(why, "; ")
	}
	return "CLEAN"
}
