package report

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unit is a kind of quantity, with its steps from large to small.
type unit struct {
	steps []step
	axis  string // what a plot's axis is called
}

type step struct {
	size float64
	name string
}

var (
	perSecond      = unit{[]step{{1e9, "G/s"}, {1e6, "M/s"}, {1e3, "k/s"}, {1, "/s"}}, "messages a second"}
	bytesPerSecond = unit{[]step{{1e9, "GB/s"}, {1e6, "MB/s"}, {1e3, "kB/s"}}, "bytes a second"}
	nanoseconds    = unit{[]step{{1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"}}, "time"}
	microShare     = unit{[]step{{1e6, "s/s"}, {1e3, "ms/s"}, {1, "µs/s"}}, "CPU time in a second"}
	plain          = unit{[]step{{1, ""}}, "count"}
)

// fit is the step in which a value has the fewest digits before and no needless zeros after the point.
func (u unit) fit(v float64) step {
	for _, s := range u.steps {
		if math.Abs(v) >= s.size*0.9995 { // 999.6 would be written 1,000
			return s
		}
	}
	return u.steps[len(u.steps)-1]
}

// column is the step for a list of values. Between the best and the median it is fair to both, which may be far apart.
func (u unit) column(values []float64, more bool) step {
	if len(values) == 0 {
		return u.steps[len(u.steps)-1]
	}
	sorted := slices.Sorted(slices.Values(values))
	best, median := sorted[0], sorted[len(sorted)/2]
	if more {
		best = sorted[len(sorted)-1]
	}
	if best <= 0 {
		best = median
	}
	return u.fit(math.Sqrt(math.Abs(best * median)))
}

// text is a value with its unit.
func (u unit) text(v float64) string {
	s := u.fit(v)
	return strings.TrimSpace(digits(v/s.size, decimals(v/s.size)) + " " + s.name)
}

// decimals is how many digits after the point give a value three that count.
func decimals(v float64) int {
	v = math.Abs(v)
	if v == 0 || !finite(v) {
		return 0
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', 2, 64), 64) // 9.996 counts as 10.0
	return min(max(2-int(math.Floor(math.Log10(rounded)+1e-9)), 0), 9)
}

// digits writes a value with so many digits after the point, no more than three that count before it, and commas.
func digits(v float64, after int) string {
	if !finite(v) {
		return "?"
	}
	if a := math.Abs(v); a >= 1000 {
		v, _ = strconv.ParseFloat(strconv.FormatFloat(v, 'e', 2, 64), 64)
	}
	text := strconv.FormatFloat(v, 'f', after, 64)
	whole, rest, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0 && whole[i-1] != '-'; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		return whole + "." + rest
	}
	return whole
}

// sizeText is a number of bytes.
func sizeText(n int) string {
	switch {
	case n >= 1<<20 && n%(1<<20) == 0:
		return strconv.Itoa(n>>20) + " MiB"
	case n >= 1<<10 && n%(1<<10) == 0:
		return strconv.Itoa(n>>10) + " KiB"
	}
	return strconv.Itoa(n) + " B"
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// clean takes from a text of the report what would steer a terminal or is not allowed in XML.
func clean(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "?")), " ")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// short is a text that is cut to so many characters.
func short(s string, n int) string {
	s = clean(s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
