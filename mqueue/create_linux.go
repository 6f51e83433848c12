package mqueue

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/internal/mq"
	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

// Create makes a queue and its state file. The error matches fs.ErrExist if the name is taken, fs.ErrInvalid, errors.ErrUnsupported if the
// kernel has no such queues, or names the limit that stands in the way. What a killed creator left is cleared.
func Create(k Kind, name string, g Geometry, o Options) (*Queue, error) {
	q, err := create(k, name, g, o)
	if err != nil {
		return nil, fmt.Errorf("create %v queue %s: %w", k, name, err)
	}
	return q, nil
}

func create(k Kind, name string, g Geometry, o Options) (*Queue, error) {
	if err := protocol.ValidateName(name); err != nil {
		return nil, err
	}
	if k != POSIX && k != SysV {
		return nil, fmt.Errorf("%v is unknown: %w", k, fs.ErrInvalid)
	}
	h, err := plan(k, name, g)
	if err != nil {
		return nil, err
	}
	if o.Perm == 0 {
		o.Perm = 0o600
	}
	o.ReadOnly = false
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		if err := clearRemains(k, name, o); err != nil {
			return nil, err
		}
		rand.Read(h.uuid[:])
		h.key = int32(binary.LittleEndian.Uint32(h.uuid[:4]) | 1) // 0 is no key
		s, err := publish(h, o)
		if errors.Is(err, fs.ErrExist) && time.Now().Before(end) {
			continue // somebody was quicker: let the look say what there is
		}
		if err != nil {
			return nil, err
		}
		kq, err := s.makeQueue(o)
		if err != nil {
			err = errors.Join(err, unix.Unlink(s.path), s.close())
			if h.tryAnother(err) && time.Now().Before(end) {
				continue
			}
			return nil, err
		}
		_, err = ofd.Lock(s.fd, unix.F_UNLCK, lockCreate, 1)
		if err != nil {
			return nil, errors.Join(err, kq.Close(), s.close())
		}
		return newQueue(s, kq, o), nil
	}
}

// clearRemains returns fs.ErrExist if the name is that of something that works, or that is being made and gets ready.
func clearRemains(k Kind, name string, o Options) error {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		s, err := openState(k, name, o)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if s == nil {
			return err
		}
		if err != nil {
			return errors.Join(fmt.Errorf("%w: %w", fs.ErrExist, err), s.close())
		}
		again, err := s.remains()
		if err = errors.Join(err, s.close()); err != nil || !again {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s: %w: another process is making or removing it and does not finish; is it stopped?", s.path, fs.ErrExist)
		}
	}
}

// remains removes the state file if whoever was to make or remove the queue died over it, or if the kernel's queue is gone for good and nobody
// has it open: the host was booted since, or somebody removed it behind our back. It reports whether to look again.
func (s *stateFile) remains() (again bool, err error) {
	ok, err := ofd.Lock(s.fd, unix.F_WRLCK, lockCreate, 1)
	if err != nil {
		return false, err
	}
	if !ok {
		return true, nil
	}
	defer ofd.Lock(s.fd, unix.F_UNLCK, lockCreate, 1)
	v, err := s.state()
	if err != nil {
		return false, fmt.Errorf("%w: %w", fs.ErrExist, err)
	}
	if v.state == stateReady {
		kq, err := s.openQueue(v)
		if err == nil {
			err = kq.Close()
		}
		if !errors.Is(err, errVanished) {
			return false, errors.Join(fmt.Errorf("%s: %w", s.path, fs.ErrExist), err)
		}
		for i := range s.head.participants {
			if s.alive(i) {
				return false, fmt.Errorf("%s: %w: its queue was taken away, but %s goes on with it", s.path, fs.ErrExist, s.holder(i))
			}
		}
	}
	return true, s.unlinkBoth(v)
}

// publish makes the state file, whose name appears when all of its header is there and its creator's lock is held.
func publish(h *header, o Options) (*stateFile, error) {
	var refused []error
	for _, dir := range o.dirs() {
		s, err := publishAt(dir, h, o)
		if err == nil || errors.Is(err, fs.ErrExist) {
			return s, err
		}
		refused = append(refused, err)
	}
	return nil, errors.Join(refused...)
}

func publishAt(dir string, h *header, o Options) (*stateFile, error) {
	path := filepath.Join(dir, stateName(h.kind, h.name))
	aside, linkFlags := "", unix.AT_SYMLINK_FOLLOW
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, uint32(o.Perm.Perm()))
	from := fmt.Sprintf("/proc/self/fd/%d", fd)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) { // not every filesystem has files without a name
		aside = filepath.Join(dir, fmt.Sprintf(".%s%x", statePrefix(h.kind), h.uuid))
		fd, err = unix.Open(aside, unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_RDWR|unix.O_CLOEXEC, uint32(o.Perm.Perm()))
		from, linkFlags = aside, 0
	}
	if err != nil {
		return nil, fmt.Errorf("create a file in %s: %w", dir, err)
	}
	s := &stateFile{path: path, fd: fd, head: h, opts: o}
	err = s.fill(o)
	if err == nil {
		if linkErr := unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, path, linkFlags); linkErr != nil {
			err = fmt.Errorf("create %s: %w", path, linkErr)
		}
	}
	if aside != "" {
		err = errors.Join(err, unix.Unlink(aside))
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// fill writes what an opener needs, and takes the creator's lock.
func (s *stateFile) fill(o Options) error {
	if err := unix.Fchmod(s.fd, uint32(o.Perm.Perm())); err != nil {
		return fmt.Errorf("set mode of %s: %w", s.path, err)
	}
	if err := s.check(o); err != nil {
		return err
	}
	if ok, err := ofd.Lock(s.fd, unix.F_WRLCK, lockCreate, 1); err != nil || !ok {
		return errors.Join(fmt.Errorf("lock %s", s.path), err)
	}
	// A full disk should show now, and not when somebody attaches: so the first entries are written too.
	first := make([]byte, offTable+2*entrySize)
	copy(first, s.head.encode())
	return s.writeAt(first, 0)
}

// makeQueue makes the kernel's queue and says that all is ready.
func (s *stateFile) makeQueue(o Options) (*mq.Queue, error) {
	h := s.head
	var kq *mq.Queue
	var err error
	if h.kind == POSIX {
		kq, err = mq.CreatePOSIX(h.queueName(), h.messages, h.messageSize, o.Perm)
	} else {
		kq, err = mq.CreateSysV(h.key, int64(h.capacity), o.Perm)
	}
	if err != nil {
		return nil, err
	}
	if err := s.setState(state{state: stateReady, id: int32(kq.ID())}); err != nil {
		return nil, errors.Join(err, kq.Remove(), kq.Close())
	}
	return kq, nil
}
