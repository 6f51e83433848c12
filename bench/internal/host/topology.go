package host

import (
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
)

// Apart says how two CPUs are connected, as far as the kernel tells: hardware threads of one core, cores that share a last-level cache, of one package, or
// of two; "" if it does not. What a virtual machine is told may be made up.
func Apart(a, b int) string { return apart(os.DirFS("/sys/devices/system/cpu"), a, b) }

func apart(cpus fs.FS, a, b int) string {
	read := func(cpu int, name string) string {
		text, err := fs.ReadFile(cpus, fmt.Sprintf("cpu%d/%s", cpu, name))
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(text))
	}
	if listed(read(a, "topology/thread_siblings_list"), b) {
		return "SMT siblings"
	}
	last, shared := 0, ""
	for i := range 8 {
		index := fmt.Sprintf("cache/index%d/", i)
		level, err := strconv.Atoi(read(a, index+"level"))
		if err == nil && level >= last {
			last, shared = level, read(a, index+"shared_cpu_list")
		}
	}
	packages := [2]string{read(a, "topology/physical_package_id"), read(b, "topology/physical_package_id")}
	switch {
	case listed(shared, b):
		return fmt.Sprintf("sharing an L%d", last)
	case packages[0] == "" || packages[1] == "":
		return ""
	case packages[0] != packages[1]:
		return "in two packages"
	case shared != "":
		return fmt.Sprintf("with an L%d each", last)
	}
	return ""
}

// listed reports whether a list such as 0-3,8 has a number.
func listed(list string, n int) bool {
	for part := range strings.SplitSeq(list, ",") {
		low, high, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			high = low
		}
		l, err := strconv.Atoi(low)
		h, err2 := strconv.Atoi(high)
		if err == nil && err2 == nil && l <= n && n <= h {
			return true
		}
	}
	return false
}
