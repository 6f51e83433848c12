package host

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// NearBelow is the raw round trip, in nanoseconds, below which two cores are taken to share a cache.
const NearBelow = 220

const pingPong = "bench/c/bin/pingpong" // make bench-build makes it

// Floor is the raw round trip of a cache line now, in nanoseconds; 0 if it cannot be measured.
func Floor() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, pingPong, "floor", "20000").Output()
	if err != nil {
		return 0
	}
	_, text, _ := strings.Cut(string(out), "rtt_ns=")
	var ns float64
	_, _ = fmt.Sscan(text, &ns) // nothing there: not measured
	return ns
}
