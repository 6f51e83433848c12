package segment

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/protocol"
)

// List finds the segments of one backend, sorted by name, sound or not: what is ours by its name but no sound segment has its
// Err set. It changes nothing, maps no file and waits for nobody. A memfd has a path for
// [OpenFile] instead of a name for [Open].
func List(b Backend, o Options) ([]Entry, error) {
	var found []Entry
	var err error
	switch b {
	case POSIX:
		found, err = listPosix(o)
	case SysV:
		found, err = listSysV(o)
	case Memfd:
		found, err = listMemfd()
	default:
		err = unknownBackend(b)
	}
	if err != nil {
		return nil, fmt.Errorf("list %v segments: %w", b, err)
	}
	slices.SortFunc(found, func(x, y Entry) int { return cmp.Compare(x.Name, y.Name) })
	return found, nil
}

func listPosix(o Options) ([]Entry, error) {
	dir, err := openDir(o)
	if err != nil {
		return nil, err
	}
	defer dir.close()
	names, err := dir.entries()
	if err != nil {
		return nil, err
	}
	var found []Entry
	for _, entry := range names {
		name, ok := posixName(entry)
		if !ok {
			continue
		}
		st, err := dir.stat(entry)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile
		}
		e := Entry{Name: name, Backend: POSIX, Path: dir.join(entry), Err: err}
		if err == nil {
			e.Size, e.Mode, e.UID = uint64(st.Size), fileMode(uint32(st.Mode)), st.Uid
			e.examine(dir.image(entry, st))
		}
		found = append(found, e)
	}
	return found, nil
}

// image reads the beginning of a file of the directory. It looks at the kind first, because opening a device may do things.
func (d *directory) image(entry string, st *unix.Stat_t) (*image, error) {
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, fmt.Errorf("%w: it is %s, want a regular file", protocol.ErrNotSegment, kind(uint32(st.Mode)))
	}
	f, st, err := d.open(entry, unix.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readImage(preader(int(f.Fd())), uint64(st.Size))
}

// examine fills in what the header says.
func (e *Entry) examine(m *image, err error) {
	if err != nil {
		e.Err = err
		return
	}
	e.State, e.Header = m.state, m.header
	if m.header != nil {
		e.Created = time.Unix(0, m.header.CreatedUnixNano)
	}
	e.Err = m.attachable(e.Name, true)
}

func fileMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		m |= fs.ModeDir
	case unix.S_IFIFO:
		m |= fs.ModeNamedPipe
	case unix.S_IFLNK:
		m |= fs.ModeSymlink
	case unix.S_IFSOCK:
		m |= fs.ModeSocket
	default:
		m |= fs.ModeDevice
	}
	return m
}

// listSysV joins two lists, each of which knows leftovers that the other does not: the lock files, and the segments whose keys
// look like ours.
func listSysV(o Options) ([]Entry, error) {
	dir, err := openDir(o)
	if err != nil {
		return nil, err
	}
	defer dir.close()
	names, err := dir.entries()
	if err != nil {
		return nil, err
	}
	rows, err := shmRows()
	if err != nil {
		return nil, err
	}
	byKey := make(map[uint32]shmRow)
	for _, r := range rows {
		if r.key&keyMask == keyPrefix {
			byKey[r.key] = r
		}
	}
	var found []Entry
	seen := make(map[string]bool)
	for _, entry := range names {
		name, ok := lockName(entry)
		if !ok {
			continue
		}
		seen[name] = true
		if e, ok := dir.sysvEntry(name, byKey); ok {
			found = append(found, e)
		}
	}
	for key, r := range byKey {
		m, err := shmImage(r.id)
		if err != nil || m.header == nil || seen[m.header.Name] || sysvKey(m.header.Name) != key {
			continue // not ours, not for us to see, or listed already
		}
		e := newSysVEntry(m.header.Name, r)
		e.examine(m, nil)
		// Made after the directory was read, it is sound all the same. One without a lock file here may have it in another directory: even if
		// it is not ready, that is no proof that its creator is dead.
		if _, statErr := dir.stat(lockEntry(e.Name)); statErr != nil && (e.Err == nil || errors.Is(e.Err, protocol.ErrNotReady)) {
			e.Err = fmt.Errorf("%w: %s is not there; unless it is in another directory, %s", ErrLockFile, dir.join(lockEntry(e.Name)), adviseRemoveSysV(e.Name))
		}
		found = append(found, e)
	}
	return found, nil
}

func newSysVEntry(name string, r shmRow) Entry {
	return Entry{Name: name, Backend: SysV, Path: sysvPath(r.key), Size: r.size, Mode: fs.FileMode(r.mode & 0o777), UID: r.uid}
}

func adviseRemoveSysV(name string) string {
	return "remove it with `shmpipe rm " + name + " --backend sysv`"
}

// sysvEntry describes what belongs to a lock file. It returns false if the file is gone meanwhile.
func (d *directory) sysvEntry(name string, byKey map[uint32]shmRow) (Entry, bool) {
	key := sysvKey(name)
	r, there := byKey[key]
	if !there {
		st, err := d.stat(lockEntry(name))
		if err != nil {
			return Entry{}, false
		}
		e := newSysVEntry(name, shmRow{key: key, mode: uint32(st.Mode), uid: st.Uid})
		e.Err = fmt.Errorf("%w: %s has no segment, its creator is at work or was killed; %s", protocol.ErrNotReady, d.join(lockEntry(name)), adviseRemoveSysV(name))
		return e, true
	}
	e := newSysVEntry(name, r)
	m, err := shmImage(r.id)
	if shmGone(err) {
		return Entry{}, false
	}
	e.examine(m, err)
	if err == nil && m.begun() {
		e.Err = fmt.Errorf("%w: its creator is at work or was killed; %s", protocol.ErrNotReady, adviseRemoveSysV(name))
	}
	if e.Err != nil {
		return e, true
	}
	l, err := openLockFile(d, lockEntry(name), true)
	if err != nil {
		e.Err = err
		return e, true
	}
	defer l.file.Close()
	if l.uuid() != m.header.UUID {
		e.Err = fmt.Errorf("%w: %s is of another segment; %s --force", ErrLockFile, l.file.Name(), adviseRemoveSysV(name))
	}
	return e, true
}
