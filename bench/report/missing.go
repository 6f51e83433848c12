package report

import (
	"slices"

	"shmpipe/bench/result"
)

// gap is why a contestant, or a part of what it was to do, is missing.
type gap struct {
	Contestant, What, Why string
}

// absent are the contestants that took no part.
func (b *book) absent() []gap {
	var gaps []gap
	for _, a := range b.report.Absent {
		gaps = append(gaps, gap{Contestant: clean(a.Contestant), Why: clean(a.Why)})
	}
	return gaps
}

// failed are the trials that should have worked.
func (b *book) failed() []gap {
	return b.gaps(func(t result.Trial) string { return t.Error })
}

// skipped are the trials that could not work, such as those beyond a limit of size.
func (b *book) skipped() []gap {
	return b.gaps(func(t result.Trial) string { return t.Skipped })
}

// gaps puts all trials of one contestant and reason into one line.
func (b *book) gaps(why func(result.Trial) string) []gap {
	type cause struct{ name, why string }
	keys := make(map[cause][]result.Key)
	var causes []cause
	for _, t := range b.report.Trials {
		w := why(t)
		if w == "" {
			continue
		}
		c := cause{t.Contestant, clean(w)}
		if keys[c] == nil {
			causes = append(causes, c)
		}
		if !slices.Contains(keys[c], t.Key) {
			keys[c] = append(keys[c], t.Key)
		}
	}
	slices.SortStableFunc(causes, func(x, y cause) int { return slices.Index(b.names, x.name) - slices.Index(b.names, y.name) })
	var gaps []gap
	for _, c := range causes {
		slices.SortFunc(keys[c], compareKeys)
		gaps = append(gaps, gap{Contestant: clean(c.name), What: keysText(keys[c]), Why: c.why})
	}
	return gaps
}

// keysText names some keys; the report has them all.
func keysText(keys []result.Key) string {
	const most = 4
	text := ""
	for i, k := range keys {
		if i == most {
			return text + "; and " + plural(len(keys)-most, "more", "more")
		}
		text = join("; ", text, join(" ", modeText(k.Mode), describe(k, result.Key{Mode: k.Mode})))
	}
	return text
}

func modeText(mode string) string {
	names := map[string]string{result.Throughput: "throughput", result.RoundTrip: "round trip", result.Load: "load", result.Idle: "idle",
		result.First: "first message", result.Crowd: "scaling", result.Channels: "channels", result.Syscalls: "system calls"}
	if name, ok := names[mode]; ok {
		return name
	}
	return clean(mode)
}
