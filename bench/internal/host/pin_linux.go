package host

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// Allowed are the numbers of the CPUs that the calling thread may run on, rising. There are none if the kernel does not say.
func Allowed() (cpus []int) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	for cpu := range 64 * len(set) {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}

// Pin puts the calling thread on one of the allowed CPUs: one after the other by number, and round again.
func Pin(number int) error {
	allowed := Allowed()
	if len(allowed) == 0 {
		return fmt.Errorf("pin thread: the kernel does not say which CPUs are allowed")
	}
	cpu := allowed[number%len(allowed)]
	var one unix.CPUSet
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("pin to CPU %d: %w", cpu, err)
	}
	return nil
}
