//go:build gc && !purego

package spin

import "time"

// calibration is how long the counter is compared with the clock, at least. A reading of both is exact to some 50 ns, so 200
// microseconds give the rate to better than a thousandth.
const calibration = 200 * time.Microsecond

// The TSC runs at the base clock of the processor, whatever the core's present clock. Anything outside is not a TSC.
const (
	lowestRate  = 100    // ticks per microsecond: 100 MHz
	highestRate = 10_000 // 10 GHz
)

// reading is the counter and the clock at about the same instant.
type reading struct {
	ticks uint64
	at    time.Time
}

// first is taken when the program starts, so that the first use need not wait in all but the shortest programs.
var first = read()

// read takes the best of a few tries, for a try is worthless if the thread loses its core between the two clocks.
func read() reading {
	var best reading
	width := time.Duration(1<<63 - 1)
	for range 4 {
		before := time.Now()
		t := ticks()
		if w := time.Since(before); w < width {
			width, best = w, reading{ticks: t, at: before.Add(w / 2)}
		}
	}
	return best
}

// ticksPerMicrosecond watches the clock and not the counter while it waits, so it ends also if the counter stands still.
func ticksPerMicrosecond() uint64 {
	for time.Since(first.at) < calibration {
		pause(8)
	}
	return rateBetween(first, read())
}

func rateBetween(a, b reading) uint64 {
	micros := float64(b.at.Sub(a.at)) / float64(time.Microsecond)
	rate := float64(b.ticks-a.ticks) / micros // a counter that ran backwards gives a huge rate
	if !(rate >= lowestRate && rate <= highestRate) {
		return saneTicksPerMicrosecond
	}
	return uint64(rate + 0.5)
}
