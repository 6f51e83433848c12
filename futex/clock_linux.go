package futex

import (
	"time"

	"golang.org/x/sys/unix"
)

// epoch ties CLOCK_MONOTONIC to the runtime's clock. They are the same clock, but the runtime reads it in user space and counts
// from an origin of its own, and x/sys/unix enters the kernel for it.
var epoch = readEpoch()

type clockEpoch struct {
	start time.Time
	nanos int64 // CLOCK_MONOTONIC at start
}

// readEpoch takes the best of a few tries: its error is the time between the two clocks, which a lost core makes long.
func readEpoch() clockEpoch {
	var best clockEpoch
	width := time.Duration(1<<63 - 1)
	for range 8 {
		var ts unix.Timespec
		start := time.Now()
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts) != nil {
			continue // Linux always has this clock
		}
		if w := time.Since(start); w < width {
			width, best = w, clockEpoch{start: start.Add(w / 2), nanos: ts.Nano()}
		}
	}
	return best
}

// Now reads the clock of deadlines: CLOCK_MONOTONIC in nanoseconds, which all processes of the host share (within a time
// namespace). It is exact to a microsecond, enters no system call, and costs about what time.Since costs.
func Now() int64 { return epoch.nanos + int64(time.Since(epoch.start)) }
