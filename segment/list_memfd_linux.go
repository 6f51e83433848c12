package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"shmpipe/protocol"
)

// listMemfd looks at the descriptors of all processes, for a memfd is known only to those who have it open. Descriptors of processes
// that this one may not look into are not seen. The path of an entry is one of those that lead to it, for as long as that process has it.
func listMemfd() ([]Entry, error) {
	processes, err := filepath.Glob("/proc/[0-9]*/fd")
	if err != nil {
		return nil, err
	}
	var found []Entry
	seen := make(map[[2]uint64]bool)
	for _, dir := range processes {
		descriptors, err := os.ReadDir(dir)
		if err != nil {
			continue // it ended, or is not for us to see
		}
		for _, d := range descriptors {
			path := filepath.Join(dir, d.Name())
			name, ours := memfdName(path)
			if !ours {
				continue
			}
			var st unix.Stat_t
			if unix.Stat(path, &st) != nil || seen[[2]uint64{st.Dev, st.Ino}] {
				continue
			}
			seen[[2]uint64{st.Dev, st.Ino}] = true
			e := Entry{Name: name, Backend: Memfd, Path: path, Size: uint64(st.Size), Mode: fileMode(st.Mode), UID: st.Uid}
			m, err := memfdImage(path, &st)
			if errors.Is(err, fs.ErrNotExist) {
				continue // closed meanwhile
			}
			e.examine(m, err)
			found = append(found, e)
		}
	}
	return found, nil
}

// memfdName is the name of the segment that a descriptor is of, by what the kernel calls it.
func memfdName(path string) (name string, ours bool) {
	link, err := os.Readlink(path)
	if err != nil {
		return "", false
	}
	entry, ok := strings.CutPrefix(strings.TrimSuffix(link, " (deleted)"), "/memfd:")
	if !ok {
		return "", false
	}
	return posixName(entry)
}

// memfdImage reads the beginning of it, if the path still leads to it.
func memfdImage(path string, want *unix.Stat_t) (*image, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(fd)
	st, err := regular(fd)
	if err != nil {
		return nil, err
	}
	if st.Dev != want.Dev || st.Ino != want.Ino {
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	}
	if seals, _ := memfdSeals(fd); seals&noResize != noResize {
		return nil, fmt.Errorf("%w: it is a memfd that can be truncated (seals %#x, want %#x)", protocol.ErrNotSegment, seals, noResize)
	}
	return readImage(preader(fd), uint64(st.Size))
}
