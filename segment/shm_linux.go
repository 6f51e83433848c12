package segment

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"shmpipe/protocol"
)

// shmHugeTLB is SHM_HUGETLB of the kernel's interface.
const shmHugeTLB = 0o4000

// shmFind returns the identifier of the segment with that key. The error matches [fs.ErrNotExist] if there is none.
func shmFind(key uint32) (int, error) {
	id, err := unix.SysvShmGet(int(int32(key)), 0, 0)
	if err != nil {
		return -1, fmt.Errorf("shmget(%#08x): %w", key, err)
	}
	return id, nil
}

func shmStat(id int) (*unix.SysvShmDesc, error) {
	var d unix.SysvShmDesc
	if _, err := unix.SysvShmCtl(id, unix.IPC_STAT, &d); err != nil {
		return nil, fmt.Errorf("shmctl(%d, IPC_STAT): %w", id, err)
	}
	return &d, nil
}

func shmAttach(id int, readOnly bool) ([]byte, error) {
	flags := 0
	if readOnly {
		flags = unix.SHM_RDONLY
	}
	mem, err := unix.SysvShmAttach(id, 0, flags)
	if errors.Is(err, fs.ErrPermission) {
		return nil, fmt.Errorf("shmat(%d): %w: %s, this process has uid %d", id, err, shmOwner(id), os.Geteuid())
	}
	if err != nil {
		return nil, fmt.Errorf("shmat(%d): %w", id, err)
	}
	return mem, nil
}

// shmGone reports whether a call failed because the segment was removed meanwhile.
func shmGone(err error) bool {
	return errors.Is(err, unix.EIDRM) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT)
}

// shmImage copies the beginning of a segment. Reading detaches again.
func shmImage(id int) (*image, error) {
	mem, err := shmAttach(id, true)
	if err != nil {
		return nil, err
	}
	defer unix.SysvShmDetach(mem)
	return memImage(mem)
}

// memImage is readImage of memory. The state is loaded before the rest is copied: if it says ready, the rest is complete.
func memImage(mem []byte) (*image, error) {
	state := protocol.StateBuilding
	if len(mem) >= protocol.HeaderSize {
		state = loadState(mem)
	}
	m, err := readImage(func(p []byte, off int64) error { copy(p, mem[off:]); return nil }, uint64(len(mem)))
	if err == nil {
		m.state = state
	}
	return m, err
}

// shmRow is a line of /proc/sysvipc/shm, which shows segments that this process may not look at, too.
type shmRow struct {
	key       uint32
	id        int
	mode, uid uint32
	size      uint64
}

func shmRows() ([]shmRow, error) {
	f, err := os.Open("/proc/sysvipc/shm")
	if err != nil {
		return nil, fmt.Errorf("list sysv segments: %w", err)
	}
	defer f.Close()
	var rows []shmRow
	lines := bufio.NewScanner(f)
	lines.Scan() // the heading
	for lines.Scan() {
		// key shmid perms size cpid lpid nattch uid …; perms in octal
		c := strings.Fields(lines.Text())
		if len(c) < 8 {
			continue
		}
		key, err1 := strconv.ParseInt(c[0], 10, 64)
		id, err2 := strconv.Atoi(c[1])
		mode, err3 := strconv.ParseUint(c[2], 8, 32)
		size, err4 := strconv.ParseUint(c[3], 10, 64)
		uid, err5 := strconv.ParseUint(c[7], 10, 32)
		if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
			return nil, fmt.Errorf("list sysv segments: line %q: %w", lines.Text(), err)
		}
		rows = append(rows, shmRow{key: uint32(key), id: id, mode: uint32(mode), uid: uint32(uid), size: size})
	}
	return rows, lines.Err()
}

func shmOwner(id int) string {
	rows, err := shmRows()
	if err == nil {
		for _, r := range rows {
			if r.id == id {
				return fmt.Sprintf("it belongs to uid %d and has mode %#o", r.uid, r.mode&0o777)
			}
		}
	}
	return "its owner is unknown"
}

// shmLimits names the limits that a refused shmget may have met.
func shmLimits() string {
	var parts []string
	for _, name := range [...]string{"shmmni", "shmall", "shmmax"} {
		value := "unknown"
		if b, err := os.ReadFile("/proc/sys/kernel/" + name); err == nil {
			value = strings.TrimSpace(string(b))
		}
		parts = append(parts, "kernel."+name+" = "+value)
	}
	return strings.Join(parts, ", ")
}

// shmCreate makes a new segment, with huge pages if they are asked for and can be had.
func shmCreate(key uint32, size uint64, perm uint32, huge bool) (int, error) {
	flags := unix.IPC_CREAT | unix.IPC_EXCL | int(perm)
	if huge {
		if id, err := unix.SysvShmGet(int(int32(key)), int(size), flags|shmHugeTLB); err == nil {
			return id, nil
		}
	}
	id, err := unix.SysvShmGet(int(int32(key)), int(size), flags)
	switch {
	case err == nil:
		return id, nil
	case errors.Is(err, unix.EEXIST):
		return -1, fmt.Errorf("shmget(%#08x): %w", key, err)
	}
	return -1, fmt.Errorf("shmget(%#08x) of %d bytes: %w; limits are %s (number of segments, pages in all, bytes of one)", key, size, err, shmLimits())
}

func shmRemove(id int) error {
	if _, err := unix.SysvShmCtl(id, unix.IPC_RMID, nil); err != nil && !shmGone(err) {
		return fmt.Errorf("shmctl(%d, IPC_RMID): %w", id, err)
	}
	return nil
}
