package segment

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/internal/owner"
)

// lockFile stands in for the file that a SysV segment does not have: locks are taken on it. It holds the segment's identifier
// as 32 hexadecimal digits and a newline, written before the segment is made, so that a lock file that was replaced is found
// out, and that the remains of a killed creator are known to be ours even if it had not written to the memory yet.
type lockFile struct {
	file *os.File
	stat *unix.Stat_t
	made bool // by us, just now
	// fresh says that nobody has written to it, as seen under the create lock. Who made it says nothing: another process may
	// have found it and locked it first.
	fresh bool
}

func (l *lockFile) fd() int { return int(l.file.Fd()) }

func openLockFile(dir *directory, entry string, readOnly bool) (*lockFile, error) {
	f, st, err := dir.open(entry, accessMode(readOnly))
	if err != nil {
		return nil, err
	}
	return &lockFile{file: f, stat: st}, nil
}

// holdLockFile opens the lock file, which it makes if there is none, and locks the create byte of it. It gives up with EBUSY
// when another process keeps that lock.
func holdLockFile(dir *directory, name string, perm uint32, o Options) (*lockFile, error) {
	entry := lockEntry(name)
	for end := time.Now().Add(patience); ; {
		l, err := openOrMakeLockFile(dir, entry, perm)
		if err != nil {
			return nil, err
		}
		if err := owner.Check(l.stat.Uid, o.AllowOtherOwner); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: %w", dir.join(entry), err), l.file.Close())
		}
		ok, err := l.hold(time.Until(end))
		if err != nil || !ok {
			if err == nil {
				err = fmt.Errorf("%s is locked by a process that is making or removing the segment: %w", dir.join(entry), unix.EBUSY)
			}
			return nil, errors.Join(err, l.file.Close())
		}
		// While we waited, a remover may have taken the name away from this file.
		if dir.leadsTo(entry, l.stat) {
			return l, nil
		}
		l.letGo()
	}
}

// hold locks the create byte.
func (l *lockFile) hold(limit time.Duration) (bool, error) {
	ok, err := ofd.LockWithin(l.fd(), unix.F_WRLCK, createByte, limit)
	l.fresh = ok && l.uuid() == [16]byte{}
	return ok, err
}

func openOrMakeLockFile(dir *directory, entry string, perm uint32) (*lockFile, error) {
	for {
		l, err := openLockFile(dir, entry, false)
		if !errors.Is(err, fs.ErrNotExist) {
			return l, err
		}
		if l, err = makeLockFile(dir, entry, perm); !errors.Is(err, fs.ErrExist) {
			return l, err
		}
	}
}

func makeLockFile(dir *directory, entry string, perm uint32) (*lockFile, error) {
	fd, err := dir.openat(entry, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, perm)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", dir.join(entry), err)
	}
	l := &lockFile{file: os.NewFile(uintptr(fd), dir.join(entry)), made: true}
	if err := unix.Fchmod(fd, perm); err != nil {
		return nil, errors.Join(fmt.Errorf("set mode %#o of %s: %w", perm, dir.join(entry), err), l.file.Close())
	}
	if l.stat, err = fstat(fd); err != nil {
		return nil, errors.Join(err, l.file.Close())
	}
	return l, nil
}

// letGo drops all locks and closes.
func (l *lockFile) letGo() error {
	_, err := ofd.Lock(l.fd(), unix.F_UNLCK, 0, 0)
	return errors.Join(err, l.file.Close())
}

func (l *lockFile) write(uuid [16]byte) error {
	text := hex.AppendEncode(nil, uuid[:])
	text = append(text, '\n')
	if err := checkFileLimit(uint64(len(text))); err != nil {
		return fmt.Errorf("write %s: %w", l.file.Name(), err)
	}
	_, err := l.file.WriteAt(text, 0)
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return errNoRoom(l.fd(), uint64(len(text)), l.file.Name(), err)
	}
	if err != nil {
		return fmt.Errorf("identifier for the segment: %w", err)
	}
	return nil
}

// uuid reads the identifier; it is zero if there is none.
func (l *lockFile) uuid() [16]byte {
	var text [33]byte
	var id [16]byte
	if n, _ := l.file.ReadAt(text[:], 0); n != len(text) || text[32] != '\n' {
		return id
	}
	if _, err := hex.Decode(id[:], text[:32]); err != nil {
		return [16]byte{}
	}
	return id
}

// beingMade reports whether somebody makes or removes the segment at this moment.
func (l *lockFile) beingMade() (bool, error) { return ofd.Locked(l.fd(), createByte, 1) }
