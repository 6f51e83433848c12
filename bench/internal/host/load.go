package host

import "fmt"

// Load is the host's CPU time since boot.
type Load struct{ all Ticks }

// ReadLoad reads it. What cannot be read counts as zero.
func ReadLoad() Load { return Load{ReadStat().All} }

// Since says what else had the processors while figures were taken; "" if nothing can be said.
func (l Load) Since(before Load) string {
	went := l.all.Since(before.all)
	if went.Total <= 0 {
		return ""
	}
	return fmt.Sprintf("\nStolen by the host meanwhile: %.1f %% of CPU time; load average at the end %s.\n",
		100*went.Steal/went.Total, Text("/proc/loadavg"))
}
