package mqueue

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

// unlinkBoth removes the queue, if it is there, and then the state file. The creator's lock is held.
func (s *stateFile) unlinkBoth(v state) error {
	kq, err := s.openQueue(v)
	if err == nil {
		err = errors.Join(kq.Remove(), kq.Close())
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, protocol.ErrNotReady) {
		err = nil // it is gone already, or is not ours
	}
	return errors.Join(err, s.unlink())
}

// unlink removes the state file's name if it is still this file's.
func (s *stateFile) unlink() error {
	var here, there unix.Stat_t
	if unix.Fstat(s.fd, &here) != nil || unix.Fstatat(unix.AT_FDCWD, s.path, &there, unix.AT_SYMLINK_NOFOLLOW) != nil || here.Ino != there.Ino || here.Dev != there.Dev {
		return nil
	}
	if err := unix.Unlink(s.path); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove %s: %w", s.path, err)
	}
	return nil
}

// Remove removes a queue and its state file. While a live participant is attached, the error matches protocol.ErrBusy, unless force is set:
// then those who have a POSIX queue go on among themselves, and those who have a System V queue get protocol.ErrRemoved. With force,
// it also removes what is no sound state file. The error matches fs.ErrNotExist if there is none.
func Remove(k Kind, name string, o Options, force bool) error {
	if err := remove(k, name, o, force); err != nil {
		return fmt.Errorf("remove %v queue %s: %w", k, name, err)
	}
	return nil
}

func remove(k Kind, name string, o Options, force bool) error {
	if err := protocol.ValidateName(name); err != nil {
		return err
	}
	o.ReadOnly = false
	s, err := openState(k, name, o)
	if s == nil {
		return err
	}
	defer s.close()
	if err != nil {
		if force {
			return s.unlink()
		}
		return err
	}
	ok, err := ofd.LockWithin(s.fd, unix.F_WRLCK, lockCreate, patience)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: another process is making or removing it and does not finish; is it stopped?", protocol.ErrBusy)
	}
	defer ofd.Lock(s.fd, unix.F_UNLCK, lockCreate, 1)
	return s.locked(func() error { return s.removeLocked(force) })
}

// removeLocked removes it while the table is ours, so that nobody attaches meanwhile.
func (s *stateFile) removeLocked(force bool) error {
	v, err := s.state()
	if err != nil && !force {
		return err
	}
	if !force {
		if kq, err := s.openQueue(v); err == nil {
			if err := kq.Close(); err != nil {
				return err
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err // such as a queue of another namespace, which nobody would find again
		}
		for i := range s.head.participants {
			if s.alive(i) {
				return fmt.Errorf("%w: %s; use force to remove it all the same", protocol.ErrBusy, s.holder(i))
			}
		}
	}
	making := v.state == stateMaking
	v.state = stateRemoved
	if err := s.setState(v); err != nil {
		return err
	}
	if making {
		v.state = stateMaking
	}
	return s.unlinkBoth(v)
}
