package suite

import (
	"golang.org/x/sys/unix"

	"shmpipe/bench/internal/host"
)

// usage is how busy the machine was, until some moment or in a span: clock ticks of all CPUs, of those that the contestants are pinned to, and
// what was ours.
type usage struct {
	all, pinned host.Ticks
	ours        float64 // seconds, of this process and those that it waited for
}

// pinned are the CPUs on which contestants run, receiver first: see bench/README.md. None if they are not pinned, because there is one only.
func pinned() []int {
	if cpus := host.Allowed(); len(cpus) >= 2 {
		return cpus[:2]
	}
	return nil
}

func readUsage(cpus []int) usage {
	u := usageOf(host.ReadStat(), cpus)
	for _, who := range [...]int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var r unix.Rusage
		if unix.Getrusage(who, &r) == nil {
			u.ours += float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
		}
	}
	return u
}

// usageOf is what the kernel says of all CPUs and of some.
func usageOf(stat host.Stat, cpus []int) usage {
	u := usage{all: stat.All}
	for _, cpu := range cpus {
		u.pinned = u.pinned.Add(stat.CPU[cpu])
	}
	return u
}

func (u usage) since(before usage) usage {
	return usage{u.all.Since(before.all), u.pinned.Since(before.pinned), u.ours - before.ours}
}

func (u usage) add(v usage) usage {
	return usage{u.all.Add(v.all), u.pinned.Add(v.pinned), u.ours + v.ours}
}

// others is the share of all CPUs' time, 0 to 1, that something else took in a span; time that the host stole counts.
func (u usage) others() float64 { return others(u.all, u.ours) }

// othersPinned is the share of the pinned CPUs' time. On a machine of many, a hog on one of these two spoils all, and is little of the whole. What
// was ours elsewhere is taken for ours here, so it is at least this much.
func (u usage) othersPinned() float64 { return others(u.pinned, u.ours) }

func others(t host.Ticks, ours float64) float64 {
	if t.Total <= 0 {
		return 0
	}
	return min(1, max(0, (t.Busy-ours*host.TicksPerSecond)/t.Total))
}
