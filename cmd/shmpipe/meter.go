package main

import (
	"encoding/json"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// meter counts what went through, for the progress bar and the summary. One goroutine adds, others may look.
type meter struct {
	messages, bytes atomic.Uint64
	start           time.Time // of the first message
	end             time.Time
}

func (m *meter) begin() { m.start = time.Now() }

func (m *meter) stop() { m.end = time.Now() }

// add counts messages. The counters have one writer, which need not lock the line.
func (m *meter) add(messages, bytes int) {
	m.messages.Store(m.messages.Load() + uint64(messages))
	m.bytes.Store(m.bytes.Load() + uint64(bytes))
}

func (m *meter) duration() time.Duration {
	if m.start.IsZero() {
		return 0
	}
	return m.end.Sub(m.start)
}

// summary is one line: sent 1,600 messages, 104,857,600 bytes in 0.050 s (2.1 GB/s, 32,000 messages/s)
func (m *meter) summary(verb string) string {
	n, bytes, d := m.messages.Load(), m.bytes.Load(), m.duration()
	text := fmt.Sprintf("%s %s, %s bytes", verb, plural(n, "message"), grouped(bytes))
	if d >= time.Millisecond { // a rate of less says nothing
		text += fmt.Sprintf(" in %.3f s (%s, %s messages/s)", d.Seconds(), rateText(bytes, d), grouped(uint64(perSecond(n, d))))
	}
	return text
}

// MarshalJSON implements json.Marshaler.
func (m *meter) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"messages": m.messages.Load(), "bytes": m.bytes.Load(), "seconds": m.duration().Seconds()})
}

// perSecond is a rate for people and tables.
func perSecond(n uint64, d time.Duration) float64 {
	if d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// meteredReader counts each read as a message: that is what a Writer makes of it.
type meteredReader struct {
	io.Reader
	*meter
}

func (r meteredReader) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	if n > 0 {
		if r.start.IsZero() {
			r.begin()
		}
		r.add(1, n)
	}
	return n, err
}
