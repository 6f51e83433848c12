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

// reserveStep bounds one fallocate: tmpfs takes all of it back when a signal arrives, so a large one could go on for ever in a
// process that is being profiled.
const reserveStep = 4 << 20

// reserve allocates every byte of the file, so that no access to the mapping can find the filesystem full, which the kernel
// would answer with SIGBUS. The file grows to size.
func reserve(fd int, size uint64, path string) error {
	if err := checkFileLimit(size); err != nil {
		return fmt.Errorf("reserve %d bytes for %s: %w", size, path, err)
	}
	if err := checkRoom(fd, size, path); err != nil {
		return err
	}
	err := allocate(fd, size)
	if noFallocate(err) {
		err = writeZeros(fd, size)
	}
	if err != nil {
		return errNoRoom(fd, size, path, err)
	}
	return nil
}

// fillHoles allocates what a copy of a segment left out. Unlike reserve, it leaves what is there alone: others use it.
func fillHoles(fd int, size uint64, path string) error {
	if err := allocate(fd, size); err != nil && !noFallocate(err) {
		return errNoRoom(fd, size, path, err)
	}
	return nil
}

func allocate(fd int, size uint64) error {
	for off := uint64(0); off < size; off += reserveStep {
		_, err := retry(func() (struct{}, error) {
			return struct{}{}, fallocate(fd, int64(off), int64(min(reserveStep, size-off)))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func noFallocate(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS)
}

// fallocate is a variable so that a test can be a filesystem that does not have it.
var fallocate = func(fd int, off, n int64) error { return unix.Fallocate(fd, 0, off, n) }

func writeZeros(fd int, size uint64) error {
	zeros := make([]byte, min(size, 1<<20))
	for off := uint64(0); off < size; {
		k, err := retry(func() (int, error) { return unix.Pwrite(fd, zeros[:min(size-off, uint64(len(zeros)))], int64(off)) })
		if err != nil {
			return err
		}
		off += uint64(k)
	}
	return nil
}

// checkFileLimit is asked first because the kernel would say it with a signal that ends a Go process.
func checkFileLimit(size uint64) error {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &lim); err != nil || size <= uint64(lim.Cur) {
		return nil
	}
	return fmt.Errorf("%w: files of this process may have %d bytes (RLIMIT_FSIZE); raise it with `ulimit -f`", unix.EFBIG, uint64(lim.Cur))
}

// checkRoom refuses what cannot fit before anything is taken: filling the filesystem up to the last byte, only to find out,
// would break whoever else writes to it, and taking memory that is not there ends with the kernel killing something.
func checkRoom(fd int, size uint64, path string) error {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(fd, &fs); err != nil {
		return nil
	}
	// A tmpfs without limit has no blocks; it is like a memfd.
	if fs.Blocks > 0 && fs.Bavail*uint64(fs.Bsize) < size {
		return errNoRoom(fd, size, path, unix.ENOSPC)
	}
	if kind := int64(fs.Type); kind != unix.TMPFS_MAGIC && kind != unix.RAMFS_MAGIC {
		return nil
	}
	return checkMemory(size, path)
}

func checkMemory(size uint64, path string) error {
	if free, ok := availableMemory(); ok && size > free {
		return fmt.Errorf("reserve %d bytes for %s: %w: this host has %d bytes of memory and swap to give; make the segment smaller",
			size, path, unix.ENOMEM, free)
	}
	return nil
}

func errNoRoom(fd int, size uint64, path string, err error) error {
	if !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("reserve %d bytes for %s: %w", size, path, err)
	}
	free, total := "an unknown number of", "unknown"
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) == nil {
		free = strconv.FormatUint(fs.Bavail*uint64(fs.Bsize), 10)
		total = strconv.FormatUint(fs.Blocks*uint64(fs.Bsize), 10)
	}
	return fmt.Errorf("reserve %d bytes for %s: %w: %s bytes of %s are free there; make the ring smaller, remove what nobody uses "+
		"(`shmpipe ls`, `shmpipe gc`), or enlarge the filesystem (mount -o remount,size=…, docker run --shm-size)", size, path, err, free, total)
}

func availableMemory() (uint64, bool) {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	defer f.Close()
	var sum uint64
	found := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		key, rest, _ := strings.Cut(lines.Text(), ":")
		if key != "MemAvailable" && key != "SwapFree" {
			continue
		}
		if kib, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64); err == nil {
			sum += kib << 10
			found = found || key == "MemAvailable"
		}
	}
	return sum, found
}
