package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

// createSysV makes the segment under the create lock. shmget publishes a segment before anything is in it; the lock is what
// tells an opener that somebody is at it, and a later creator that nobody is any more.
func (s *Segment) createSysV(m *image, perm uint32, o Options) error {
	name := m.header.Name
	key := sysvKey(name)
	dir, err := openDir(o)
	if err != nil {
		return err
	}
	s.dir, s.entry, s.path, s.shmid = dir, lockEntry(name), sysvPath(key), -1
	l, err := holdLockFile(dir, name, perm, o)
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("%s: %w: %w", s.path, fs.ErrExist, err)
	}
	if err != nil {
		return err
	}
	s.file = l.file
	defer ofd.Lock(l.fd(), unix.F_UNLCK, createByte, 1)
	if err := clearRemains(key, name, l); err != nil {
		if l.fresh { // else it belongs to the segment that is there
			err = errors.Join(err, dir.unlink(s.entry, l.stat))
		}
		return err
	}
	err = s.makeSysV(m, l, key, perm, o)
	if err == nil {
		return nil
	}
	// Nobody can have attached: it is not ready, and we hold the lock.
	if s.shmid >= 0 {
		err = errors.Join(err, shmRemove(s.shmid))
	}
	return errors.Join(err, dir.unlink(s.entry, l.stat))
}

func (s *Segment) makeSysV(m *image, l *lockFile, key, perm uint32, o Options) error {
	if err := checkMemory(s.header.SegmentSize, s.path); err != nil {
		return err
	}
	if err := l.write(m.header.UUID); err != nil {
		return err
	}
	id, err := shmCreate(key, s.header.SegmentSize, perm, o.HugePages)
	if errors.Is(err, unix.EEXIST) {
		return errExists(s.path, "another program or a name with the same key took it just now; try again or take another name")
	}
	if err != nil {
		return err
	}
	s.shmid = id
	if err := s.attachShm(s.header.SegmentSize, o); err != nil {
		return err
	}
	if err := s.keepFromChildren(); err != nil {
		return err
	}
	s.fill(m, o)
	return nil
}

// clearRemains looks at what the key leads to. The remains of a creation or a removal that was killed go away; anything else
// is an error that matches [fs.ErrExist]. The caller holds the create lock.
func clearRemains(key uint32, name string, l *lockFile) error {
	for end := time.Now().Add(patience); ; time.Sleep(ofd.PollEvery) {
		id, err := shmFind(key)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		done, err := clearOne(key, id, name, l)
		if done || err != nil {
			return err
		}
		if time.Now().After(end) {
			return errExists(sysvPath(key), "it is not ready, but processes are attached to it; do they use another directory of lock files?")
		}
	}
}

func clearOne(key uint32, id int, name string, l *lockFile) (done bool, err error) {
	m, err := shmImage(id)
	if shmGone(err) {
		return false, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return false, errExists(sysvPath(key), fmt.Sprintf("it is not readable (%v); take another name", err))
	}
	if err != nil {
		return false, err
	}
	path := sysvPath(key)
	switch {
	case m.blank():
		// A foreign segment may be blank too. The identifier in the lock file says that one of ours was begun.
		if l.fresh {
			return false, errExists(path, fmt.Sprintf("nothing says that it is shmpipe's; take another name, or remove it with `ipcrm -M %#x`", key))
		}
	case m.err != nil && !m.begun():
		return false, errExists(path, fmt.Sprintf("the key is taken by something else (%v); take another name", m.err))
	case m.err == nil && m.header.Name != name:
		return false, errExists(path, fmt.Sprintf("segment %q has the same key as %q; take another name", m.header.Name, name))
	case m.state == protocol.StateReady:
		return false, errExists(path, "open it, or remove it with `shmpipe rm "+name+" --backend sysv`")
	}
	// Not ready, and nobody has the lock, for we have it. Who is attached nonetheless looks at it just now, or has another
	// directory of lock files and is making it.
	st, err := shmStat(id)
	if shmGone(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if st.Nattch > 0 && m.state != protocol.StateRemoved {
		return false, nil
	}
	return true, shmRemove(id)
}
