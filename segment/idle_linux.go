package segment

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

// RemoveIfIdle removes the segment if nobody holds a lease on it but those given. It is for the last one out: release your own
// lease, then call this. Who calls it while still holding a lease (and naming it in except) may meet another who does the same,
// and then both are told that the segment is busy. It takes the name away only if it still leads to this very segment, so a
// successor of the same name is safe, and it is no error if the segment was removed before. The error matches
// [protocol.ErrBusy] if somebody is there.
func (s *Segment) RemoveIfIdle(except ...*Lease) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	const op = "remove"
	switch {
	case s.closed:
		return s.errClosed(op)
	case s.readOnly:
		return s.wrap(op, fmt.Errorf("it was opened for reading only: %w", fs.ErrPermission))
	}
	fd, err := ofd.Reopen(int(s.file.Fd()), unix.O_RDWR)
	if err != nil {
		return s.wrap(op, err)
	}
	if err := errors.Join(s.removeIfIdle(fd, except), ofd.UnlockAndClose(fd)); err != nil {
		return s.wrap(op, err)
	}
	return nil
}

func (s *Segment) removeIfIdle(fd int, except []*Lease) error {
	for _, at := range [...]int64{createByte, protocol.AttachByte} {
		ok, err := ofd.LockWithin(fd, unix.F_WRLCK, at, patience)
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("%w: a process is making, removing or attaching and does not finish; is it stopped?", protocol.ErrBusy)
		}
	}
	own := make(map[uint32]bool)
	for _, l := range except {
		if l != nil && l.held() {
			own[l.participant] = true
		}
	}
	holders, err := findHolders(fd, s.header.ParticipantCount, own)
	if err != nil {
		return err
	}
	if len(holders) > 0 {
		return fmt.Errorf("%w: %s", protocol.ErrBusy, describeAll(holders, func(i uint32) entryFields { return readParticipant(s.mem, s.header, i) }))
	}
	return markThen(memState(s.mem), func() error { return s.unlink(fd) })
}

func (s *Segment) unlink(fd int) error {
	if s.backend == SysV {
		// We are attached, so the identifier cannot have passed to another segment.
		if err := shmRemove(s.shmid); err != nil {
			return err
		}
	}
	if s.dir == nil {
		return nil
	}
	st, err := fstat(fd)
	if err != nil {
		return err
	}
	return s.dir.unlink(s.entry, st)
}
