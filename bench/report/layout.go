package report

import (
	"cmp"
	"strconv"
	"strings"

	"shmpipe/bench/result"
)

// measure is one value of a key's trials, as a table or a plot shows it.
type measure struct {
	value string
	label string // tells it from the others of its table
	unit  unit
	more  bool                     // more is better
	scale func(result.Key) float64 // nil: as it is
}

func (m measure) factor(k result.Key) float64 {
	if m.scale == nil {
		return 1
	}
	return m.scale(k)
}

// layout says how the trials of one mode become tables: one for each value of common, with a column for each key and measure.
type layout struct {
	id, title, about string
	mode             string
	measures         []measure
	common           func(result.Key) result.Key // the part of a key that a table's columns share
	split            bool                        // near and far apart; else it does not depend on the cores
	ratios           bool                        // shmpipe against each other, of the first measure
	unranked         bool                        // its rows do not compare, so no best is marked
	pageOnly         bool                        // derived from another: only the page has room for it
}

var layouts = []layout{
	{
		id: "throughput", title: "Throughput", mode: result.Throughput, split: true, ratios: true,
		about:    "One way, as fast as it goes. More is better.",
		measures: []measure{{value: result.MessagesPerSecond, unit: perSecond, more: true}},
		common:   bySize,
	},
	{
		id: "bandwidth", title: "Bandwidth", mode: result.Throughput, split: true, pageOnly: true,
		about: "The same runs, in bytes of messages a second. More is better.",
		measures: []measure{{value: result.MessagesPerSecond, unit: bytesPerSecond, more: true,
			scale: func(k result.Key) float64 { return float64(k.Size) }}},
		common: bySize,
	},
	{
		id: "cpu", title: "CPU time per message", mode: result.Throughput, split: true,
		about:    "User and system time of both sides, in the runs of throughput. Less is better.",
		measures: []measure{{value: result.CPUPerMessage, unit: nanoseconds}},
		common:   bySize,
	},
	{
		id: "round-trip", title: "Round trip", mode: result.RoundTrip, split: true, ratios: true,
		about: "There and back, one message at a time. Less is better.",
		measures: []measure{{value: result.P50, label: "p50", unit: nanoseconds}, {value: result.P90, label: "p90", unit: nanoseconds},
			{value: result.P99, label: "p99", unit: nanoseconds}, {value: result.P999, label: "p99.9", unit: nanoseconds},
			{value: result.Max, label: "max", unit: nanoseconds}},
		common: bySize,
	},
	{
		id: "load", title: "Latency under load", mode: result.Load, split: true,
		about: "One way at a given rate, in percent of what the contestant itself reaches, so rows are at rates of their own and do not compare: no " +
			"best is marked. Latency is from the time at which a message should have been sent. Less is better.",
		measures: []measure{{value: result.P50, label: "p50", unit: nanoseconds}, {value: result.P90, label: "p90", unit: nanoseconds},
			{value: result.P99, label: "p99", unit: nanoseconds}, {value: result.P999, label: "p99.9", unit: nanoseconds},
			{value: result.Max, label: "max", unit: nanoseconds}, {value: result.Rate, label: "rate", unit: perSecond, more: true}},
		common:   func(k result.Key) result.Key { k.Load = 0; return k },
		unranked: true,
	},
	{
		id: "idle", title: "Waiting for nothing", mode: result.Idle,
		about:    "CPU time that a consumer takes in a second in which no message comes. Less is better.",
		measures: []measure{{value: result.IdleCPU, unit: microShare}},
		common:   func(k result.Key) result.Key { return result.Key{Mode: k.Mode} },
	},
	{
		id: "first", title: "First message", mode: result.First,
		about:    "From before the object is created to the receipt of the first message. Less is better.",
		measures: []measure{{value: result.FirstMessage, unit: nanoseconds}},
		common:   func(k result.Key) result.Key { return result.Key{Mode: k.Mode} },
	},
	{
		id: "syscalls", title: "System calls per message", mode: result.Syscalls,
		about:    "Of both sides, counted and not timed. Less is better.",
		measures: []measure{{value: result.SyscallsPerMessage, unit: plain}},
		common:   func(k result.Key) result.Key { return result.Key{Mode: k.Mode} },
	},
	{
		id: "scaling", title: "Many producers, many consumers", mode: result.Crowd, split: true, ratios: true,
		about:    "Producers × consumers, as fast as it goes. More is better.",
		measures: []measure{{value: result.MessagesPerSecond, unit: perSecond, more: true}},
		common:   byShape,
	},
	{
		id: "channels", title: "Many channels", mode: result.Channels, split: true,
		about:    "Pairs with a channel of their own each, all at once; messages a second of all together. More is better.",
		measures: []measure{{value: result.MessagesPerSecond, unit: perSecond, more: true}},
		common:   byShape,
	},
}

func bySize(k result.Key) result.Key  { k.Size = 0; return k }
func byShape(k result.Key) result.Key { k.Shape = ""; return k }

// caption is what the columns of a table share, in words.
func caption(common result.Key) string { return describe(common, result.Key{Mode: common.Mode}) }

// describe names the fields in which a key differs from what is known already.
func describe(k, known result.Key) string {
	var parts []string
	if k.Wait != known.Wait {
		parts = append(parts, cmp.Or(map[string]string{result.Block: "blocking"}[k.Wait], clean(k.Wait)))
	}
	if k.Size != known.Size {
		parts = append(parts, sizeText(k.Size))
	}
	if k.Batch != known.Batch {
		parts = append(parts, "batches of "+strconv.Itoa(k.Batch))
	}
	if k.Load != known.Load {
		parts = append(parts, strconv.Itoa(k.Load)+" %")
	}
	if k.Shape != known.Shape {
		parts = append(parts, shapeText(k))
	}
	return strings.Join(parts, ", ")
}

// shapeText is a number of channels, or of producers and consumers.
func shapeText(k result.Key) string {
	if k.Mode == result.Channels {
		if k.Shape == "1" {
			return "1 channel"
		}
		return clean(k.Shape) + " channels"
	}
	return strings.ReplaceAll(clean(k.Shape), "x", " × ")
}

// coresText says of which cores figures are.
func (b *book) coresText(c result.Cores) string {
	switch {
	case c == result.Near:
		return "cores near"
	case c == result.Far:
		return "cores far"
	case b.report.Host.CPUs == 1:
		return "one core"
	}
	return ""
}

// join puts what is not empty together.
func join(sep string, parts ...string) string {
	var full []string
	for _, p := range parts {
		if p != "" {
			full = append(full, p)
		}
	}
	return strings.Join(full, sep)
}
