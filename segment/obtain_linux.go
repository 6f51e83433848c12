package segment

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// obtain does what the best-effort options ask for and says what came of it. Creator is true while nobody else has the memory.
func obtain(mem []byte, o Options, creator bool) Obtained {
	var got Obtained
	if o.HugePages {
		// The advice comes before the faults, or they bring small pages.
		unix.Madvise(mem, unix.MADV_HUGEPAGE)
	}
	if o.Prefault || o.HugePages {
		answer := prefault(mem, creator)
		if o.Prefault {
			got.Prefaulted = answer
		}
	}
	if o.HugePages {
		got.HugePages = collapse(mem)
	}
	if o.Lock {
		got.Locked = mlock(mem)
	}
	return got
}

// populateWrite is a variable so that a test can be a kernel before 5.14.
var populateWrite = func(mem []byte) error { return unix.Madvise(mem, unix.MADV_POPULATE_WRITE) }

func prefault(mem []byte, creator bool) string {
	_, err := retry(func() (struct{}, error) { return struct{}{}, populateWrite(mem) })
	switch {
	case err == nil:
		return "yes"
	case !errors.Is(err, unix.EINVAL):
		return fmt.Sprintf("no: madvise(MADV_POPULATE_WRITE) on %d bytes: %v", len(mem), err)
	case creator:
		touchWrite(mem, os.Getpagesize())
		return "yes"
	}
	// Others write to this memory now. Reading leaves it to them.
	touchRead(mem, os.Getpagesize())
	return "partly: for reading; the kernel is older than 5.14 and cannot prefault for writing"
}

func mlock(mem []byte) string {
	err := unix.Mlock(mem)
	if err == nil {
		return "yes"
	}
	limit := "unknown"
	var lim unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_MEMLOCK, &lim) == nil {
		limit = strconv.FormatUint(uint64(lim.Cur), 10)
	}
	return fmt.Sprintf("no: mlock of %d bytes: %v; this process may lock %s bytes (RLIMIT_MEMLOCK), raise it with `ulimit -l` or LimitMEMLOCK=", len(mem), err, limit)
}

// adviseCollapse is MADV_COLLAPSE of the kernel's interface, since Linux 6.1.
const adviseCollapse = 25

// collapse asks for huge pages now, and looks at what the kernel did; its answer to the request alone would not tell.
func collapse(mem []byte) string {
	err := unix.Madvise(mem, adviseCollapse)
	got, page, ok := hugeBytes(address(mem))
	switch huge := hugePageSize(); {
	case uint64(len(mem)) < huge:
		return fmt.Sprintf("no: the segment has %d bytes, a huge page %d", len(mem), huge)
	case !ok:
		return "no: what was obtained cannot be read from /proc/self/smaps"
	case page > uint64(os.Getpagesize()):
		return "yes"
	case got > 0 && got >= uint64(len(mem))&^(huge-1): // the rest is less than one
		return "yes"
	case got > 0:
		return fmt.Sprintf("partly: %d of %d bytes", got, len(mem))
	}
	reason := "the kernel gave none"
	if err != nil {
		reason = fmt.Sprintf("madvise(MADV_COLLAPSE): %v", err)
	}
	setting := "unknown"
	if b, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/shmem_enabled"); err == nil {
		setting = strings.TrimSpace(string(b))
	}
	return fmt.Sprintf("no: %s for %d bytes; transparent_hugepage/shmem_enabled is %q, want advise, within_size or always", reason, len(mem), setting)
}

// hugeBytes reads how much of the mapping at addr is mapped by huge pages, and its page size, in bytes.
func hugeBytes(addr uintptr) (huge, page uint64, ok bool) {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return 0, 0, false
	}
	defer f.Close()
	inside := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		key, rest, _ := strings.Cut(line, ":")
		if strings.Contains(key, "-") { // "start-end perms offset dev", then more: the next mapping
			if inside {
				break
			}
			lo, _, _ := strings.Cut(line, "-")
			start, err := strconv.ParseUint(lo, 16, 64)
			inside = err == nil && uintptr(start) == addr
			continue
		}
		if !inside {
			continue
		}
		kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
		if err != nil {
			continue
		}
		ok = true
		switch key {
		case "AnonHugePages", "ShmemPmdMapped", "FilePmdMapped":
			huge += kib << 10
		case "KernelPageSize":
			page = kib << 10
		}
	}
	return huge, page, ok
}
