package host

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Pin puts the calling thread on one of the allowed CPUs: one after the other by number, and round again.
func Pin(number int) error {
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return fmt.Errorf("ask for the allowed CPUs: %w", err)
	}
	skip := number % allowed.Count()
	for cpu := range 64 * len(allowed) {
		if !allowed.IsSet(cpu) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		var one unix.CPUSet
		one.Set(cpu)
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			return fmt.Errorf("pin to CPU %d: %w", cpu, err)
		}
		return nil
	}
	return nil
}
