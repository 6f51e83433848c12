package host

import (
	"fmt"
	"strconv"
	"strings"
)

// Load is the host's CPU time since boot, in clock ticks.
type Load struct{ total, steal uint64 }

// ReadLoad reads it. What cannot be read counts as zero.
func ReadLoad() Load {
	var l Load
	first, _, _ := strings.Cut(Text("/proc/stat"), "\n")
	for i, f := range strings.Fields(first) {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			continue
		}
		l.total += n
		if i == 8 { // cpu user nice system idle iowait irq softirq steal
			l.steal = n
		}
	}
	return l
}

// Since says what else had the processors while figures were taken; "" if nothing can be said.
func (l Load) Since(before Load) string {
	if l.total == before.total {
		return ""
	}
	return fmt.Sprintf("\nStolen by the host meanwhile: %.1f %% of CPU time; load average at the end %s.\n",
		100*float64(l.steal-before.steal)/float64(l.total-before.total), Text("/proc/loadavg"))
}
