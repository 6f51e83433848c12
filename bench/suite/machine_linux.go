package suite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/bench/result"
)

// describeHost says what a run is measured on.
func describeHost(version string) result.Host {
	const cache = "/sys/devices/system/cpu/cpu0/cache/"
	h := result.Host{
		CPU: cpuName(text("/proc/cpuinfo")), CPUs: runtime.NumCPU(), L2: text(cache + "index2/size"), L3: text(cache + "index3/size"),
		Kernel: text("/proc/sys/kernel/osrelease"), Go: runtime.Version(), Clock: text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
		Version: version, Pinned: runtime.NumCPU() > 1,
	}
	return h
}

func text(path string) string {
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

// usage is how busy the machine was until some moment: clock ticks of all CPUs together, and what of that were ours.
// Of many CPUs, one that is taken hardly counts, unless it is one of those that the contestants are pinned to; so these are counted by themselves
// too.
type usage struct {
	ticks
	pinned ticks
	ours   float64 // seconds
	at     time.Time
}

// ticks are those of some CPUs since boot.
type ticks struct{ total, busy float64 }

func readUsage() usage {
	u := parseStat(text("/proc/stat"), pinnedTo())
	u.at = time.Now()
	for _, who := range [...]int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var r unix.Rusage
		if unix.Getrusage(who, &r) == nil {
			u.ours += float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
		}
	}
	return u
}

// pinnedTo are the CPUs that the two sides are pinned to: the first two that are allowed.
func pinnedTo() (cpus []int) {
	var allowed unix.CPUSet
	if unix.SchedGetaffinity(0, &allowed) != nil {
		return nil
	}
	for cpu := 0; cpu < 64*len(allowed) && len(cpus) < 2; cpu++ {
		if allowed.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}

// parseStat reads /proc/stat: the line of all CPUs, and those of some.
func parseStat(stat string, pinned []int) usage {
	var u usage
	for line := range strings.Lines(stat) {
		name, _, _ := strings.Cut(line, " ")
		number, isCPU := strings.CutPrefix(name, "cpu")
		if !isCPU {
			break
		}
		if number == "" {
			u.ticks = parseTicks(line)
		} else if n, err := strconv.Atoi(number); err == nil && slices.Contains(pinned, n) {
			t := parseTicks(line)
			u.pinned.total += t.total
			u.pinned.busy += t.busy
		}
	}
	return u
}

// parseTicks reads a line: its name, user nice system idle iowait irq softirq steal.
func parseTicks(line string) (t ticks) {
	fields := strings.Fields(line)
	for i, f := range fields[min(1, len(fields)):min(9, len(fields))] {
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return ticks{}
		}
		t.total += n
		if i != 3 && i != 4 {
			t.busy += n
		}
	}
	return t
}

// others is the share of all CPUs' time, or of that of the pinned ones, whichever is more, 0 to 1, that something else took between two
// readings; time that the host stole counts. What is ours is taken to have run on the pinned ones.
func (u usage) others(before usage) float64 {
	const ticksPerSecond = 100
	ours := (u.ours - before.ours) * ticksPerSecond
	share := func(now, before ticks) float64 {
		if now.total <= before.total {
			return 0
		}
		return min(1, max(0, (now.busy-before.busy-ours)/(now.total-before.total)))
	}
	return max(share(u.ticks, before.ticks), share(u.pinned, before.pinned))
}

// Bounds of a clean run.
const (
	mostOthers = 0.05
	mostLoad   = 0.5 // of the CPUs, before the start
)

// loadAverage is that of the last minute.
func loadAverage() float64 {
	first, _, _ := strings.Cut(text("/proc/loadavg"), " ")
	n, err := strconv.ParseFloat(first, 64)
	if err != nil {
		return 0
	}
	return n
}

// floor is the raw round trip of a cache line, in nanoseconds; 0 if it cannot be measured.
func (r *runner) floor(ctx context.Context) float64 {
	if r.pingpong == "" {
		return 0
	}
	line, err := run(ctx, r.limit, nil, r.pingpong, "floor", "5000")
	if err != nil {
		return 0
	}
	v, err := values(line)
	if err != nil {
		return 0
	}
	return v["rtt_ns"]
}

// judge says why the figures of a report are not clean.
func judge(rep *result.Report, load float64) []string {
	var dirt []string
	if load > mostLoad*float64(rep.Host.CPUs) {
		dirt = append(dirt, fmt.Sprintf("before the start, the load average was %.1f on %d CPUs (if an earlier run was the reason, wait a minute)", load, rep.Host.CPUs))
	}
	worst, busy, unknown := 0.0, 0, 0
	for _, round := range rep.Rounds {
		if round.BusyUnknown {
			unknown++
		}
		if round.Busy > mostOthers {
			busy++
		}
		worst = max(worst, round.Busy)
	}
	if busy > 0 {
		dirt = append(dirt, fmt.Sprintf("in %d of %d rounds something else took more than %.0f %% of the CPUs' time, at worst %.0f %%", busy, len(rep.Rounds), 100*mostOthers, 100*worst))
	}
	if unknown > 0 {
		dirt = append(dirt, fmt.Sprintf("in %d of %d rounds a contestant hung and was killed, so it is not known what else used the CPUs", unknown, len(rep.Rounds)))
	}
	near, far := 0, 0
	for _, t := range rep.Trials {
		switch rep.CoresOf(t) {
		case result.Near:
			near++
		case result.Far:
			far++
		}
	}
	if near > 0 && far > 0 {
		dirt = append(dirt, fmt.Sprintf("the processors moved: %d trials ran on cores that are near each other and %d on far ones; the tables keep them apart", near, far))
	}
	if near+far == 0 && len(rep.Trials) > 0 {
		dirt = append(dirt, "the raw round trip of a cache line was not measured (bench/c/bin/pingpong is not built), so nobody knows how far apart the cores were")
	}
	if rep.Host.CPUs < 2 {
		dirt = append(dirt, "there is one CPU: who spins keeps the other side from running")
	}
	return dirt
}

// temporary is the folder of a run's files.
func temporary() (string, error) { return os.MkdirTemp("", objectPrefix+strconv.Itoa(os.Getpid())+"-") }

const objectPrefix = "shmpipe-bench-"

// clearStale removes what trials of processes left that are gone: they were killed. Objects begin with a prefix and a pid. For
// System V objects without a name there are notes: see contest.ClearStaleSysV.
func clearStale(list func() []stale) (removed int) {
	for _, s := range list() {
		if !alive(s.pid) && s.remove() == nil {
			removed++
		}
	}
	return removed
}

// stale is an object that a process made.
type stale struct {
	pid    int
	remove func() error
}

// pidOf is the pid in the name of an object of ours: what a backend puts before a name, the prefix, the pid, and nothing or a separator. A name
// that merely holds the prefix is somebody else's.
func pidOf(name string) (int, bool) {
	for _, before := range [...]string{"shmpipe.", "shmpipe-sysv.", "shmpipe-mq.", "shmpipe-msg.", "sem."} {
		if rest, ok := strings.CutPrefix(name, before+objectPrefix); ok {
			return leadingPID(rest)
		}
	}
	rest, ok := strings.CutPrefix(name, objectPrefix)
	if !ok {
		return 0, false
	}
	return leadingPID(rest)
}

func leadingPID(text string) (int, bool) {
	end := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 && !strings.ContainsRune("-._", rune(text[end])) {
		return 0, false
	}
	if end >= 0 {
		text = text[:end]
	}
	const mostPID = 1 << 22
	pid, err := strconv.Atoi(text)
	return pid, err == nil && pid > 0 && pid <= mostPID
}

func alive(pid int) bool { return unix.Kill(pid, 0) != unix.ESRCH }

// inFolder are the objects of a folder.
func inFolder(dir string) (found []stale) {
	entries, _ := os.ReadDir(dir) // none, if it cannot be read
	for _, e := range entries {
		if pid, ok := pidOf(e.Name()); ok && isOurs(e) {
			found = append(found, stale{pid, func() error { return os.RemoveAll(filepath.Join(dir, e.Name())) }})
		}
	}
	return found
}

// isOurs reports whether a file belongs to this user.
func isOurs(e os.DirEntry) bool {
	info, err := e.Info()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Geteuid()
}
