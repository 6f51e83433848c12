package host

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine says what figures were measured on, without a full stop.
func Machine() string {
	const cache = "/sys/devices/system/cpu/cpu0/cache/"
	return fmt.Sprintf("%s, %d CPUs, L2 %s, L3 %s; Linux %s; %s, clock source %s", firstOf("/proc/cpuinfo", "model name"), runtime.NumCPU(),
		Text(cache+"index2/size"), Text(cache+"index3/size"), Text("/proc/sys/kernel/osrelease"), runtime.Version(),
		Text("/sys/devices/system/clocksource/clocksource0/current_clocksource"))
}

// Text is what a file of the kernel's says, "unknown" if it cannot be read.
func Text(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(b))
}

func firstOf(path, key string) string {
	for l := range strings.Lines(Text(path)) {
		if k, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return "unknown CPU"
}
