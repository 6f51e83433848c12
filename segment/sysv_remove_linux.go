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

// removeSysV takes both halves away: memory and lock file. It holds the create lock meanwhile, for which it makes the lock file
// if there is none.
func removeSysV(name string, o Options, force bool) (err error) {
	dir, err := openDir(o)
	if err != nil {
		return err
	}
	defer dir.close()
	anyOwner := o
	anyOwner.AllowOtherOwner = true
	l, err := holdLockFile(dir, name, 0o600, anyOwner)
	if errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("%w: %w", protocol.ErrBusy, err)
	}
	if err != nil {
		if force && errors.Is(err, protocol.ErrNotSegment) {
			return dir.unlinkAnything(lockEntry(name))
		}
		return err
	}
	defer func() { err = errors.Join(err, l.letGo()) }()
	if l.fresh {
		// It belongs to no segment, so it is not left there, whatever comes.
		defer dir.unlink(lockEntry(name), l.stat)
	}
	err = removeShm(name, l, force)
	if errors.Is(err, fs.ErrNotExist) && !(l.made && l.fresh) {
		err = nil // a lock file alone: remains, and they go now
	}
	if err != nil {
		return err
	}
	return dir.unlink(lockEntry(name), l.stat)
}

func removeShm(name string, l *lockFile, force bool) error {
	key := sysvKey(name)
	id, err := shmFind(key)
	if err != nil {
		return err
	}
	mem, err := shmAttach(id, false)
	if err != nil {
		return err
	}
	defer unix.SysvShmDetach(mem)
	m, err := memImage(mem)
	if err != nil {
		return err
	}
	path := sysvPath(key)
	switch {
	case m.err == nil && m.header.Name != name:
		return fmt.Errorf("%s is segment %q, which has the same key: %w", path, m.header.Name, fs.ErrNotExist)
	case m.err != nil && !m.hasMagic() && !m.blank(), m.blank() && l.fresh && !force:
		return fmt.Errorf("%s: %w; if you are sure, use `ipcrm -M %#x`", path, m.err, key)
	case m.err != nil && !m.begun() && !force:
		return fmt.Errorf("%s: %w; %s", path, m.err, adviseForce)
	}
	entries := func(i uint32) entryFields {
		if m.err != nil {
			return entryFields{}
		}
		return readParticipant(mem, m.header, i)
	}
	if err := excludeAll(l.fd(), m, entries, force); err != nil {
		return err
	}
	if m.err == nil && l.uuid() != m.header.UUID && !force {
		// Whoever holds a lease holds it on another file, which cannot be seen.
		if st, stay := othersStay(id); stay {
			return fmt.Errorf("%s: %w, and %d processes are attached (pid %d was the last to come or go); %s", path, ErrLockFile, st.Nattch-1, st.Lpid, adviseForce)
		}
	}
	if m.err != nil {
		return shmRemove(id)
	}
	return markThen(memState(mem), func() error { return shmRemove(id) })
}

// lookingTime is how long who only looks at a segment, as a listing does, may be attached to it.
const lookingTime = 100 * time.Millisecond

// othersStay tells whether somebody else is attached for longer than it takes to look. We ourselves are attached once.
func othersStay(id int) (st *unix.SysvShmDesc, stay bool) {
	for end := time.Now().Add(lookingTime); ; time.Sleep(ofd.PollEvery) {
		st, err := shmStat(id)
		if err != nil || st.Nattch <= 1 {
			return st, false
		}
		if time.Now().After(end) {
			return st, true
		}
	}
}
