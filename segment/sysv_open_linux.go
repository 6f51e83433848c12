package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/internal/owner"
	"shmpipe/protocol"
)

// errAgain marks an error that may be gone in a moment, because somebody is making or removing the segment.
var errAgain = errors.New("in progress")

// openSysV waits for a creation in progress for a second at most.
func openSysV(name string, o Options) (*Segment, error) {
	for end := time.Now().Add(patience); ; time.Sleep(ofd.PollEvery) {
		s := &Segment{backend: SysV, readOnly: o.ReadOnly, path: sysvPath(sysvKey(name)), entry: lockEntry(name)}
		err := s.tryOpenSysV(name, o)
		if err == nil {
			return s, nil
		}
		err = errors.Join(err, s.discard())
		if !errors.Is(err, errAgain) || time.Now().After(end) {
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
	}
}

func (s *Segment) tryOpenSysV(name string, o Options) error {
	dir, err := openDir(o)
	if err != nil {
		return err
	}
	s.dir = dir
	l, err := openLockFile(dir, s.entry, o.ReadOnly)
	if errors.Is(err, fs.ErrNotExist) {
		return dir.errNoLockFile(name, err)
	}
	if err != nil {
		return err
	}
	s.file = l.file
	if err := owner.Check(l.stat.Uid, o.AllowOtherOwner); err != nil {
		return fmt.Errorf("%s: %w", dir.join(s.entry), err)
	}
	// In this order: the segment, then the lock, then the state. A segment that is not ready, and that nobody was making after
	// it was there, has lost its creator.
	id, findErr := shmFind(sysvKey(name))
	busy, err := l.beingMade()
	if err != nil {
		return err
	}
	if findErr != nil {
		if busy {
			findErr = fmt.Errorf("%w (%w)", findErr, errAgain)
		}
		return fmt.Errorf("%w; create it with `shmpipe create %s --backend sysv`", findErr, name)
	}
	s.shmid = id
	if err := s.attachSysV(l, name, busy, o); err != nil {
		if shmGone(err) || errors.Is(err, ErrLockFile) && !dir.leadsTo(s.entry, l.stat) {
			return fmt.Errorf("%w (%w)", err, errAgain)
		}
		return err
	}
	return nil
}

func (s *Segment) attachSysV(l *lockFile, name string, busy bool, o Options) error {
	st, err := shmStat(s.shmid)
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w: %s, this process has uid %d", err, shmOwner(s.shmid), os.Geteuid())
	}
	if err != nil {
		return err
	}
	if err := s.attachShm(uint64(st.Segsz), o); err != nil {
		return err
	}
	mem := s.mem
	// The creator may give the segment away and stays able to change it.
	for _, uid := range [...]uint32{uint32(st.Perm.Uid), uint32(st.Perm.Cuid)} {
		if err := owner.Check(uid, o.AllowOtherOwner); err != nil {
			return err
		}
	}
	m, err := memImage(mem)
	if err != nil {
		return err
	}
	if m.state == protocol.StateBuilding && (busy || m.begun()) {
		if busy {
			return fmt.Errorf("%w: its creator is at work (%w)", protocol.ErrNotReady, errAgain)
		}
		return fmt.Errorf("%w: aborted creation; remove it with `shmpipe rm %s --backend sysv`", protocol.ErrNotReady, name)
	}
	if m.err == nil && m.header.Name != name {
		return fmt.Errorf("%w: the key belongs to segment %q; rename one of the two (%w)", protocol.ErrNotSegment, m.header.Name, fs.ErrNotExist)
	}
	if err := m.attachable(name, o.ReadOnly); err != nil {
		return err
	}
	if got := l.uuid(); got != m.header.UUID {
		return fmt.Errorf("%w: %s is of segment %x, want %x; remove both with `shmpipe rm %s --backend sysv --force`",
			ErrLockFile, l.file.Name(), got, m.header.UUID, name)
	}
	s.header = m.header
	if size := s.header.SegmentSize; size < uint64(len(mem)) {
		s.mem = mem[:size]
	}
	if err := s.keepFromChildren(); err != nil {
		return err
	}
	s.obtained = obtain(s.mem, o, false)
	return nil
}

// attachShm maps a segment of size bytes.
func (s *Segment) attachShm(size uint64, o Options) error {
	if o.HugePages {
		mem, err := shmAttachAligned(s.shmid, size, o.ReadOnly)
		if err == nil && mem != nil {
			s.mem = mem
			return nil
		}
	}
	mem, err := shmAttach(s.shmid, o.ReadOnly)
	s.mem = mem
	return err
}

// errNoLockFile tells an absent segment from one whose lock file somebody deleted.
func (d *directory) errNoLockFile(name string, err error) error {
	id, findErr := shmFind(sysvKey(name))
	if findErr == nil {
		if m, imgErr := shmImage(id); imgErr == nil && m.err == nil && m.header.Name == name && m.state == protocol.StateReady {
			// A creator makes the lock file first, so if it is there now, all of it came just after we looked.
			if _, statErr := d.stat(lockEntry(name)); statErr == nil {
				return fmt.Errorf("%w (%w)", err, errAgain)
			}
			return fmt.Errorf("%w: %v; remove the segment with `shmpipe rm %s --backend sysv --force`", ErrLockFile, err, name)
		}
	}
	if errors.Is(findErr, unix.EACCES) {
		err = errors.Join(err, findErr)
	}
	return fmt.Errorf("%w; create it with `shmpipe create %s --backend sysv`", err, name)
}
