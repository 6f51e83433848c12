//go:build gc && !purego

package spin

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRateBetween_FallsBackWhenTheCounterIsAbsurd(t *testing.T) {
	now := time.Now()
	ms := func(ticks uint64) (reading, reading) {
		return reading{ticks: 5e9, at: now}, reading{ticks: 5e9 + ticks, at: now.Add(time.Millisecond)}
	}
	for _, c := range []struct {
		name  string
		ticks uint64
		want  uint64
	}{
		{"3 GHz", 3_000_000, 3000},
		{"stands still", 0, saneTicksPerMicrosecond},
		{"runs backwards", ^uint64(0) - 1000, saneTicksPerMicrosecond},
		{"too slow", 1000, saneTicksPerMicrosecond},
		{"too fast", 1 << 40, saneTicksPerMicrosecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := ms(c.ticks)
			require.Equal(t, c.want, rateBetween(a, b))
		})
	}
	require.EqualValues(t, saneTicksPerMicrosecond, rateBetween(reading{at: now}, reading{at: now}), "no time passed")
}
