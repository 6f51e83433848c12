package main

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// latency gathers how long messages took from when they were due to when the consumer had them.
type latency struct {
	h *hdrhistogram.Histogram
}

// newLatency measures from 1 ns to an hour with three digits.
func newLatency() *latency { return &latency{hdrhistogram.New(1, int64(time.Hour), 3)} }

// add records one message. What is out of range counts as the nearest that is not.
func (l *latency) add(nanos int64) {
	_ = l.h.RecordValue(min(max(nanos, 1), int64(time.Hour)))
}

// latencyReport is in microseconds.
type latencyReport struct {
	Messages    int64              `json:"messages"`
	Mean        float64            `json:"mean_us"`
	Percentiles map[string]float64 `json:"percentiles_us"`
	Max         float64            `json:"max_us"`
}

var latencyPercentiles = [...]float64{50, 90, 99, 99.9, 99.99}

func (l *latency) report() latencyReport {
	r := latencyReport{Messages: l.h.TotalCount(), Percentiles: make(map[string]float64)}
	if r.Messages == 0 {
		return r
	}
	r.Mean, r.Max = l.h.Mean()/1e3, micros(l.h.Max())
	for _, p := range latencyPercentiles {
		r.Percentiles[percentileName(p)] = micros(l.h.ValueAtPercentile(p))
	}
	return r
}

func micros(nanos int64) float64 { return float64(nanos) / 1e3 }

func percentileName(p float64) string { return fmt.Sprintf("p%g", p) }

// table prints percentiles, one a line.
func (r latencyReport) table() string {
	t := newTable("LATENCY", "µs")
	alignRight(t, 2)
	row := func(name string, v float64) { t.AppendRow([]any{name, fmt.Sprintf("%.2f", v)}) }
	for _, p := range latencyPercentiles {
		if v, ok := r.Percentiles[percentileName(p)]; ok {
			row(percentileName(p), v)
		}
	}
	row("max", r.Max)
	row("mean", r.Mean)
	return t.Render() + "\n"
}
