package host

import (
	"strconv"
	"strings"
)

// Ticks are clock ticks since boot, of one CPU or of all together.
type Ticks struct{ Total, Busy, Steal float64 }

// TicksPerSecond is what the kernel tells user space, whatever its own clock does.
const TicksPerSecond = 100

// Add is what two have together.
func (t Ticks) Add(u Ticks) Ticks {
	return Ticks{t.Total + u.Total, t.Busy + u.Busy, t.Steal + u.Steal}
}

// Since is what went by.
func (t Ticks) Since(before Ticks) Ticks {
	return Ticks{t.Total - before.Total, t.Busy - before.Busy, t.Steal - before.Steal}
}

// Stat is /proc/stat: how the CPUs spent their time.
type Stat struct {
	All Ticks
	CPU map[int]Ticks
}

// ReadStat reads it. What cannot be read counts as zero.
func ReadStat() Stat { return ParseStat(Text("/proc/stat")) }

// ParseStat reads its lines that begin with cpu: name user nice system idle iowait irq softirq steal. What the host stole counts as busy; what comes
// after it is in these already.
func ParseStat(text string) Stat {
	s := Stat{CPU: make(map[int]Ticks)}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		number, ok := strings.CutPrefix(fields[0], "cpu")
		if !ok {
			continue
		}
		t, ok := ticks(fields[1:min(9, len(fields))])
		cpu, err := strconv.Atoi(number)
		switch {
		case !ok:
		case number == "":
			s.All = t
		case err == nil:
			s.CPU[cpu] = t
		}
	}
	return s
}

func ticks(fields []string) (t Ticks, ok bool) {
	for i, f := range fields {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return Ticks{}, false
		}
		t.Total += n
		if i != 3 && i != 4 { // idle, iowait
			t.Busy += n
		}
		if i == 7 {
			t.Steal = n
		}
	}
	return t, true
}
