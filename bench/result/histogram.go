package result

import (
	"fmt"
	"io/fs"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies gathers latencies, of which a report keeps the histogram. It is good to 0.1 %, up to an hour. One goroutine uses it.
type Latencies struct {
	h *hdrhistogram.Histogram
}

const (
	mostLatency = int64(time.Hour)
	digits      = 3 // that are right in a histogram
)

// NewLatencies has none yet.
func NewLatencies() *Latencies { return &Latencies{hdrhistogram.New(1, mostLatency, digits)} }

// Record adds one, in nanoseconds. One above an hour counts as an hour.
func (l *Latencies) Record(ns uint64) {
	_ = l.h.RecordValue(int64(min(ns, uint64(mostLatency)))) // within what it was made for
}

// Count is how many there are.
func (l *Latencies) Count() int64 { return l.h.TotalCount() }

// Percentile is in nanoseconds; 0 if there are no latencies. That of 100 is the greatest latency.
func (l *Latencies) Percentile(percent float64) float64 {
	return float64(l.h.ValueAtPercentile(percent))
}

// Mean is in nanoseconds; 0 if there are no latencies.
func (l *Latencies) Mean() float64 {
	if l.Count() == 0 {
		return 0
	}
	return l.h.Mean()
}

// Encode makes the text that [Trial] keeps: HdrHistogram's compressed form, version 2, in base64.
func (l *Latencies) Encode() (string, error) {
	text, err := l.h.Encode(hdrhistogram.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encode a histogram: %w", err)
	}
	return string(text), nil
}

// DecodeLatencies reads the text of [Latencies.Encode]. The error matches [fs.ErrInvalid].
func DecodeLatencies(histogram string) (*Latencies, error) {
	h, err := hdrhistogram.Decode([]byte(histogram))
	if err != nil {
		return nil, fmt.Errorf("decode a histogram of %d bytes: %w: %w", len(histogram), fs.ErrInvalid, err)
	}
	return &Latencies{h}, nil
}

// Merge puts the latencies of several trials' histograms together. An empty text is a trial without one, and is left out; so the result is
// empty if all are. The error matches [fs.ErrInvalid].
func Merge(histograms ...string) (string, error) {
	sum := NewLatencies()
	for _, text := range histograms {
		if text == "" {
			continue
		}
		l, err := DecodeLatencies(text)
		if err != nil {
			return "", err
		}
		if lost := sum.h.Merge(l.h); lost > 0 {
			return "", fmt.Errorf("merge histograms: %d latencies above %v: %w", lost, time.Duration(mostLatency), fs.ErrInvalid)
		}
	}
	if sum.Count() == 0 {
		return "", nil
	}
	return sum.Encode()
}

// Percentiles are those of a trial's histogram, in nanoseconds, in the order that they are asked for, such as 50, 99.9, 100. The error
// matches [fs.ErrInvalid].
func Percentiles(histogram string, percents ...float64) ([]float64, error) {
	l, err := DecodeLatencies(histogram)
	if err != nil {
		return nil, err
	}
	found := make([]float64, len(percents))
	for i, p := range percents {
		found[i] = l.Percentile(p)
	}
	return found, nil
}
