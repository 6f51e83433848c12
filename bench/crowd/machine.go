package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine says what the figures are of.
func machine() string {
	model := "unknown CPU"
	for l := range strings.Lines(fileText("/proc/cpuinfo")) {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
			model = strings.TrimSpace(v)
			break
		}
	}
	cache := "/sys/devices/system/cpu/cpu0/cache/"
	return fmt.Sprintf("%s, %d CPUs, L2 %s, L3 %s; Linux %s; %s, clock source %s; huge pages for shared memory: %s.", model, runtime.NumCPU(),
		fileText(cache+"index2/size"), fileText(cache+"index3/size"), fileText("/proc/sys/kernel/osrelease"), runtime.Version(),
		fileText("/sys/devices/system/clocksource/clocksource0/current_clocksource"), fileText("/sys/kernel/mm/transparent_hugepage/shmem_enabled"))
}

func fileText(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

// load is the host's CPU time since boot, in clock ticks.
type load struct{ user, nice, system, idle, iowait, irq, softirq, steal uint64 }

func readLoad() load {
	var l load
	// What cannot be read counts as zero.
	_, _ = fmt.Sscanf(fileText("/proc/stat"), "cpu %d %d %d %d %d %d %d %d", &l.user, &l.nice, &l.system, &l.idle, &l.iowait, &l.irq, &l.softirq, &l.steal)
	return l
}

func (l load) total() uint64 {
	return l.user + l.nice + l.system + l.idle + l.iowait + l.irq + l.softirq + l.steal
}

// since says what else had the processors.
func (l load) since(before load) string {
	if l.total() == before.total() {
		return ""
	}
	return fmt.Sprintf("\nStolen by the host meanwhile: %.1f %% of CPU time; load average at the end %s.\n",
		100*float64(l.steal-before.steal)/float64(l.total()-before.total()), fileText("/proc/loadavg"))
}

const pingPong = "bench/c/bin/pingpong" // make bench-build makes it

// floor is the raw round trip of a cache line now, in nanoseconds; 0 if it cannot be measured.
func floor() float64 {
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
