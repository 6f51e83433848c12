package trial

import (
	"fmt"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// place is where a process runs.
type place struct {
	number int // among the allowed CPUs: 0 for the receiving side, 1 for the sending one
	thread bool
}

// pin puts all threads of this process, or the calling one only, on one of the allowed CPUs, if there are several. Threads that the
// runtime makes later begin on the CPU of the thread that makes them.
func (w place) pin() error {
	// The runtime would notice that the process has one CPU now, and stop the world to change its mind about how many it uses.
	runtime.GOMAXPROCS(max(2, runtime.GOMAXPROCS(0)))
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return fmt.Errorf("ask for the allowed CPUs: %w", err)
	}
	if allowed.Count() < 2 {
		return nil
	}
	cpu := 0
	for skip := w.number; !allowed.IsSet(cpu) || skip > 0; cpu++ {
		if allowed.IsSet(cpu) {
			skip--
		}
	}
	var one unix.CPUSet
	one.Set(cpu)
	if w.thread {
		return pinThread(0, &one)
	}
	// A thread that is not pinned yet may make another one meanwhile: look until there is nobody new.
	done := map[string]bool{}
	for news := true; news; {
		news = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return fmt.Errorf("list this process's threads: %w", err)
		}
		for _, t := range threads {
			if done[t.Name()] {
				continue
			}
			news = true
			done[t.Name()] = true
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				return fmt.Errorf("list this process's threads: %w", err)
			}
			if err := pinThread(tid, &one); err != nil {
				return err
			}
		}
	}
	return nil
}

func pinThread(tid int, cpu *unix.CPUSet) error {
	if err := unix.SchedSetaffinity(tid, cpu); err != nil && err != unix.ESRCH {
		return fmt.Errorf("pin thread %d: %w", tid, err)
	}
	return nil
}

// cpuTime is what this process has used, in nanoseconds.
func cpuTime() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0 // it has no reason to fail
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// cpuTimeOf is what another process has used, in nanoseconds. The kernel makes a clock's number of a process's.
func cpuTimeOf(pid int) (int64, error) {
	const scheduled = 2
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("read the CPU time of process %d: %w", pid, err)
	}
	return t.Nano(), nil
}

func mapPage(fd int) (page, error) {
	mem, err := unix.Mmap(fd, 0, pageBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return page{}, fmt.Errorf("map the shared page: %w", err)
	}
	return page{mem}, nil
}
