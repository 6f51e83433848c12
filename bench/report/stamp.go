package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"shmpipe/bench/result"
)

// machine is the host in one line.
func (b *book) machine() string {
	h := b.report.Host
	var parts []string
	add := func(format, value string) {
		if value != "" {
			parts = append(parts, fmt.Sprintf(format, clean(value)))
		}
	}
	add("%s", h.CPU)
	if h.CPUs > 0 {
		parts = append(parts, plural(h.CPUs, "CPU", "CPUs"))
	}
	add("L2 %s", h.L2)
	add("L3 %s", h.L3)
	add("%s", h.Kernel)
	add("%s", h.Go)
	add("clock %s", h.Clock)
	switch {
	case h.Pinned && len(h.PinnedTo) == 2:
		on := fmt.Sprintf("pinned to CPUs %d and %d", h.PinnedTo[0], h.PinnedTo[1])
		parts = append(parts, join(" ", on, clean(h.Apart)))
	case h.Pinned:
		parts = append(parts, "pinned")
	default:
		parts = append(parts, "not pinned")
	}
	add("shmpipe %s", h.Version)
	return strings.Join(parts, ", ")
}

// tools is with what the figures were made, in one line; "" if nobody told.
func (b *book) tools() string {
	h := b.report.Host
	var parts []string
	if h.FloorBy != "" {
		parts = append(parts, "raw round trip measured by "+clean(h.FloorBy))
	}
	if h.Compiler != "" {
		with := "contestants in C: " + clean(h.Compiler)
		if h.Flags != "" {
			with += " with " + clean(h.Flags) + " (or what the builder said)"
		}
		parts = append(parts, with)
	}
	var libraries []string
	for _, l := range h.Libraries {
		libraries = append(libraries, clean(l))
	}
	return join("; ", append(parts, strings.Join(libraries, ", "))...)
}

// planLine says what was run, and when.
func (b *book) planLine() string {
	p := b.report.Plan
	line := fmt.Sprintf("Plan %s, %s", clean(p.Name), plural(max(p.Rounds, len(b.report.Rounds)), "round", "rounds"))
	if !b.report.Started.IsZero() {
		line += ", " + b.report.Started.UTC().Format("2006-01-02 15:04 UTC")
	}
	return line
}

// leftOut names whom a plan of few leaves out; "" if nobody.
func (b *book) leftOut() string {
	var names []string
	for _, n := range b.report.Plan.LeftOut {
		names = append(names, clean(n))
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("Plan %s leaves out %s", clean(b.report.Plan.Name), strings.Join(names, ", "))
}

// spread says what stands beside a median, and how sure that is. It depends on how many rounds there were: with less than six, even the least and the
// greatest figure hold the true median less often than in 95 of 100 cases.
func (b *book) spread() string {
	least, most := b.roundsOfFigures()
	rounds, confidence := plural(most, "round", "rounds"), percentText(result.MedianConfidence(least))
	if least < most {
		rounds = fmt.Sprintf("%d to %s", least, rounds)
		if all := percentText(result.MedianConfidence(most)); all != confidence {
			confidence = strings.TrimSuffix(confidence, " %") + " to " + all
		}
	}
	switch {
	case most <= 1:
		return "range of " + rounds
	case most < 6:
		return fmt.Sprintf("range of %s (%s confidence)", rounds, confidence)
	}
	return fmt.Sprintf("%s confidence interval of %s", confidence, rounds)
}

// percentText is rounded down: nobody is promised more than there is.
func percentText(share float64) string { return strconv.Itoa(int(math.Floor(share*100))) + " %" }

// roundsOfFigures is of how many rounds the figures are that are shown: the fewest and the most. What comes of one round alone has nothing beside
// it, and does not count if others do. Near and far trials of a contestant are counted apart, since its rounds may be split among them: of five, two
// may be left.
func (b *book) roundsOfFigures() (least, most int) {
	counts := make(map[place]int)
	for _, t := range b.report.Trials {
		if len(t.Values) == 0 || t.Key.Once() {
			continue
		}
		c := b.report.CoresOf(t)
		if !slices.Contains(b.groups, c) || !isSplit(t.Key.Mode) {
			c = result.All
		}
		counts[place{t.Contestant, t.Key, c}]++
	}
	for at, n := range counts {
		if at.cores == result.All && isSplit(at.key.Mode) && !slices.Contains(b.groups, result.All) {
			continue // nobody knows where it ran, so it is in no table
		}
		if n > 1 && (least == 0 || n < least) {
			least = n
		}
		most = max(most, n)
	}
	if most == 0 {
		most = len(b.report.Rounds)
	}
	return cmp.Or(least, most), most
}

// isSplit reports whether a mode's figures are shown for near and far cores apart.
func isSplit(mode string) bool {
	return slices.ContainsFunc(layouts, func(l layout) bool { return l.mode == mode && l.split })
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}
