package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// machine says what the figures were measured on.
func machine() string {
	return fmt.Sprintf("%s, %d CPUs, L2 %s, L3 %s; Linux %s; %s, clock source %s.", firstOf("/proc/cpuinfo", "model name"), runtime.NumCPU(),
		line("/sys/devices/system/cpu/cpu0/cache/index2/size"), line("/sys/devices/system/cpu/cpu0/cache/index3/size"),
		line("/proc/sys/kernel/osrelease"), runtime.Version(), line("/sys/devices/system/clocksource/clocksource0/current_clocksource"))
}

func line(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

func firstOf(path, key string) string {
	for l := range strings.SplitSeq(line(path), "\n") {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return "unknown CPU"
}

// cpuTimes are the host's, in clock ticks, since boot.
type cpuTimes struct{ total, steal uint64 }

func busy() cpuTimes {
	var t cpuTimes
	first, _, _ := strings.Cut(line("/proc/stat"), "\n")
	for i, f := range strings.Fields(first) {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			continue
		}
		t.total += n
		if i == 8 { // cpu user nice system idle iowait irq softirq steal
			t.steal = n
		}
	}
	return t
}

// foreignLoad says what else had the processors while the figures were taken.
func foreignLoad(before cpuTimes) string {
	after := busy()
	if after.total == before.total {
		return ""
	}
	return fmt.Sprintf("\nStolen by the host meanwhile: %.1f %% of CPU time; load average at the end %s.\n",
		100*float64(after.steal-before.steal)/float64(after.total-before.total), line("/proc/loadavg"))
}
