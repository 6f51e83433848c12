//go:build seam && linux

package crash_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe"
)

// report is what the matrix found.
type report struct {
	cells []*cell
	all   times
	worst *cell
}

// times are sorted.
type times []time.Duration

// at is the pth percentile: the smallest value that so many percent of all do not exceed.
func (d times) at(p int) time.Duration {
	i := (len(d)*p + 99) / 100
	return d[max(i, 1)-1].Round(10 * time.Microsecond)
}

func newReport(cells []*cell) *report {
	r := &report{cells: cells}
	slices.SortFunc(cells, func(a, b *cell) int {
		return cmp.Or(-cmp.Compare(a.mode, b.mode), cmp.Compare(a.site.Site, b.site.Site), cmp.Compare(a.survivors, b.survivors))
	})
	for _, c := range cells {
		slices.Sort(c.times)
		r.all = append(r.all, c.times...)
		if r.worst == nil || times(c.times).at(100) > times(r.worst.times).at(100) {
			r.worst = c
		}
	}
	slices.Sort(r.all)
	return r
}

// left is what the dead had left behind, and what became of it.
func (c *cell) left() string {
	var parts []string
	if c.abandoned > 0 {
		parts = append(parts, fmt.Sprintf("%d claims skipped", c.abandoned))
	}
	if c.again > 0 {
		parts = append(parts, fmt.Sprintf("%d messages or batches given to another", c.again))
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

const target = 10 * time.Millisecond

const reportHead = `# Crash matrix

Written by ` + "`make crash`" + ` (internal/crash), not by hand. The test fails, and nothing is written, unless every case ends well.

In each case a *victim* is killed with SIGKILL just before one store to shared memory, or while it reads a message: the n-th time that
it comes there, with n, the messages and the moment drawn at random. The *survivors* are other processes: one, which sends and
receives, or four, two of each kind. Some victims are recoverers: another process has died before them as three participants at once,
one that had claimed, one that had a message in hand, one that was skipping. Messages are of one to four granules, alone and in batches,
committed and aborted; consumers also leave with a message in hand. The ring is the smallest there is, 4096 bytes.

All is well if the survivors go on; every message whose Send returned is delivered; none is torn; none comes twice without the flag;
those of one producer come in their order, but for what another consumer had taken before; a newcomer can attach, drain the ring and use
it; and after that the walker behind ` + "`shmpipe check`" + ` finds nothing and every place in the ring is free.

*Recovery* is the time from the victim's last instruction until the survivors have sent and received, since then, as much as the whole
ring holds. By then each place in it has been claimed, taken and given back anew, so whatever the victim held, somebody has dealt
with it. It includes the time that the kernel needs to end the process, about a millisecond, and that of the messages themselves.
Victims begin when the kernel has registered them for barriers. A process does not die while it does that, in its first 10 to 20
milliseconds, so one that is killed just then is found dead as much later.
`

func (r *report) write(t *testing.T, path string, messages uint64) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", reportHead)
	verdict := "met"
	if r.all.at(99) > target {
		verdict = "missed"
	}
	fmt.Fprintf(&b, "%d victims, %d messages: all went well. Recovery: p50 %v, **p99 %v** (target: %v, %s), longest %v (%v).\n\n",
		len(r.all), messages, r.all.at(50), r.all.at(99), target, verdict, r.all.at(100), r.worst)
	fmt.Fprintf(&b, "%s, %d processors, Linux %s, %s.\n", processor(), runtime.NumCPU(), release(), runtime.Version())
	for _, mode := range []shmpipe.Mode{shmpipe.MPMC, shmpipe.SPSC} {
		fmt.Fprintf(&b, "\n## %s\n\n", strings.ToUpper(mode.String()))
		fmt.Fprintln(&b, "| killed before | which is | survivors | killed | what was left, in all | recovery p50 | p99 | longest |")
		fmt.Fprintln(&b, "|---|---|---|---|---|---|---|---|")
		for _, c := range r.cells {
			if c.mode != mode {
				continue
			}
			d := times(c.times)
			fmt.Fprintf(&b, "| %s | %s | %d | %d | %s | %v | %v | %v |\n",
				c.site.name, c.site.what, c.survivors, len(d), c.left(), d.at(50), d.at(99), d.at(100))
		}
	}
	var looks []string
	for _, s := range siteList(t) {
		if !s.deadly() {
			looks = append(looks, s.name)
		}
	}
	fmt.Fprintf(&b, "\nNot in the tables: %s. There a\nparticipant only looks, so its death there is its death before the store that comes next; or the ring is broken already.\n", strings.Join(looks, ", "))
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// processor is the processor's name.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

// release is that of the kernel.
func release() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "of an unknown release"
	}
	return unix.ByteSliceToString(u.Release[:])
}
