package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/internal/owner"
	"shmpipe/protocol"
)

// Open attaches to the segment of that name. It takes no lease. A memfd has no name: see [OpenFile].
//
// The errors match [fs.ErrNotExist], [fs.ErrPermission], [protocol.ErrNotSegment], [protocol.ErrVersion], [protocol.ErrCorrupt],
// [protocol.ErrNotReady], [protocol.ErrRemoved] (together with fs.ErrNotExist), [protocol.ErrReadOnly] or [ErrLockFile].
func Open(b Backend, name string, o Options) (*Segment, error) {
	s, err := open(b, name, o)
	if err != nil {
		return nil, fmt.Errorf("open %v segment %q: %w", b, name, err)
	}
	return s, nil
}

func open(b Backend, name string, o Options) (*Segment, error) {
	if err := protocol.ValidateName(name); err != nil {
		return nil, err
	}
	s := &Segment{backend: b, readOnly: o.ReadOnly}
	var err error
	switch b {
	case POSIX:
		err = s.openPosix(name, o)
	case SysV:
		return openSysV(name, o)
	case Memfd:
		err = fmt.Errorf("a memfd has no name to open it by; have its creator hand over a descriptor: %w", errors.ErrUnsupported)
	default:
		return nil, unknownBackend(b)
	}
	if err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return s, nil
}

func (s *Segment) openPosix(name string, o Options) error {
	dir, err := openDir(o)
	if err != nil {
		return err
	}
	s.dir, s.entry = dir, posixEntry(name)
	s.path = dir.join(s.entry)
	f, st, err := dir.open(s.entry, accessMode(o.ReadOnly))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; create it with `shmpipe create %s` or start its producer", err, name)
	}
	if err != nil {
		return err
	}
	s.file = f
	return s.attach(st, name, o)
}

// attach checks the file and maps it.
func (s *Segment) attach(st *unix.Stat_t, name string, o Options) error {
	if err := owner.Check(st.Uid, o.AllowOtherOwner); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	fd := int(s.file.Fd())
	m, err := readImage(preader(fd), uint64(st.Size))
	if err == nil {
		err = m.attachable(name, o.ReadOnly)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	s.header = m.header
	if uint64(int(s.header.SegmentSize)) != s.header.SegmentSize {
		return fmt.Errorf("%s: %d bytes do not fit in this machine's address space: %w", s.path, s.header.SegmentSize, unix.ENOMEM)
	}
	// A copy of a segment may have holes, and a hole is a SIGBUS when the filesystem is full.
	if uint64(st.Blocks)*512 < s.header.SegmentSize && !o.ReadOnly {
		if err := fillHoles(fd, s.header.SegmentSize, s.path); err != nil {
			return err
		}
	}
	if err := s.mapFile(o); err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	s.obtained = obtain(s.mem, o, false)
	return nil
}

// OpenFile attaches to a segment by a descriptor that another process handed over: a memfd, or the file of a POSIX segment. It
// opens the file anew, so that its description and the locks on it are its own; f stays the caller's. A memfd must be sealed
// against truncation. The errors are those of [Open].
func OpenFile(f *os.File, o Options) (*Segment, error) {
	s := &Segment{readOnly: o.ReadOnly}
	if err := s.openFile(f, o); err != nil {
		return nil, fmt.Errorf("open segment from descriptor %s: %w", f.Name(), errors.Join(err, s.discard()))
	}
	return s, nil
}

func (s *Segment) openFile(f *os.File, o Options) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	if ctlErr := conn.Control(func(fd uintptr) { err = s.reopenFile(int(fd), o) }); ctlErr != nil {
		return fmt.Errorf("%w (%w)", os.ErrClosed, ctlErr) // the one reason it has
	}
	if err != nil {
		return err
	}
	fd := int(s.file.Fd())
	st, err := regular(fd)
	if err != nil {
		return err
	}
	seals, memfd := memfdSeals(fd)
	switch {
	case memfd && seals&noResize != noResize:
		return fmt.Errorf("%w: it is a memfd that can be truncated (seals %#x, want %#x)", protocol.ErrNotSegment, seals, noResize)
	case memfd:
		s.backend, s.path = Memfd, "memfd"
	}
	if err := s.attach(st, "", o); err != nil {
		return err
	}
	if memfd {
		s.path = "memfd:" + s.header.Name
		return nil
	}
	return s.findName(st, o)
}

func (s *Segment) reopenFile(fd int, o Options) error {
	// Looked at before it is opened: opening a device may do things.
	if _, err := regular(fd); err != nil {
		return err
	}
	own, err := ofd.Reopen(fd, accessMode(o.ReadOnly))
	if err != nil {
		return err
	}
	s.path, err = os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	s.file = os.NewFile(uintptr(own), s.path)
	return err
}

// findName looks where the name of a file received as a descriptor is, so that the segment can be removed. A file may have none:
// it was removed, or its directory is not visible from here.
func (s *Segment) findName(st *unix.Stat_t, o Options) error {
	entry := posixEntry(s.header.Name)
	for _, at := range [...]string{filepath.Dir(s.path), o.dir()} {
		dir, err := openDir(Options{Dir: at})
		if err != nil {
			continue
		}
		if dir.leadsTo(entry, st) {
			s.dir, s.entry, s.path = dir, entry, dir.join(entry)
			return nil
		}
		if err := dir.close(); err != nil {
			return err
		}
	}
	return nil
}
