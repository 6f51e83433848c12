package host

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

const cache = "/sys/devices/system/cpu/cpu0/cache/"

// Machine says what figures were measured on, without a full stop.
func Machine() string {
	return fmt.Sprintf("%s, %d CPUs, L2 %s, L3 %s; Linux %s; %s, clock source %s", CPUName(), runtime.NumCPU(), L2(), L3(), Kernel(), runtime.Version(), Clock())
}

// CPUName is the processor's; where it has none, its architecture.
func CPUName() string { return cpuName(Text("/proc/cpuinfo")) }

// L2 is the size of the cache of that level.
func L2() string { return Text(cache + "index2/size") }

// L3 is the size of the cache of that level.
func L3() string { return Text(cache + "index3/size") }

// Kernel is its version.
func Kernel() string { return Text("/proc/sys/kernel/osrelease") }

// Clock is the kernel's clock source.
func Clock() string { return Text("/sys/devices/system/clocksource/clocksource0/current_clocksource") }

// Text is what a file of the kernel's says, "unknown" if it cannot be read.
func Text(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

func cpuName(cpuinfo string) string {
	for l := range strings.Lines(cpuinfo) {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == "model name" {
			return strings.TrimSpace(v)
		}
	}
	return runtime.GOARCH
}
