package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

// Lease says to everybody that its holder may write to what belongs to one participant. It is held until Release or the end of
// the process, however that comes. A lease that is only forgotten stays held: the descriptor is a bare number, because an
// [os.File] that nobody refers to any more is closed by the garbage collector, and the role would seem dead while it lives.
type Lease struct {
	participant uint32
	mu          sync.Mutex
	fd          int // -1 once released
}

// Lease takes the lease of a participant's entry. The error matches [protocol.ErrBusy] if any other description holds it, also
// one of this process, and [protocol.ErrRemoved] if the segment's name is gone. It waits up to a second for somebody who is
// removing the segment.
func (s *Segment) Lease(participant uint32) (*Lease, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	op := fmt.Sprintf("take lease %d of", participant)
	switch {
	case s.closed:
		return nil, s.errClosed(op)
	case s.readOnly:
		return nil, s.wrap(op, fmt.Errorf("it was opened for reading only: %w", fs.ErrPermission))
	case participant >= s.header.ParticipantCount:
		return nil, s.wrap(op, fmt.Errorf("it has participants 0 to %d: %w", int64(s.header.ParticipantCount)-1, fs.ErrInvalid))
	}
	fd, err := ofd.Reopen(int(s.file.Fd()), unix.O_RDWR)
	if err != nil {
		return nil, s.wrap(op, err)
	}
	if err := s.takeLease(fd, participant); err != nil {
		return nil, s.wrap(op, errors.Join(err, ofd.UnlockAndClose(fd)))
	}
	return &Lease{participant: participant, fd: fd}, nil
}

// Prove takes the lease of a participant's entry if nobody holds it, whatever the state of the segment: it is the proof that whoever
// had the entry is gone, and keeps others from proving the same until Release. It returns nil, and no error, if somebody holds
// the lease, this process included. It does not wait.
func (s *Segment) Prove(participant uint32) (*Lease, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	const op = "prove a death in"
	switch {
	case s.closed:
		return nil, s.errClosed(op)
	case s.readOnly:
		return nil, s.wrap(op, fmt.Errorf("it was opened for reading only: %w", fs.ErrPermission))
	}
	fd, err := ofd.Reopen(int(s.file.Fd()), unix.O_RDWR)
	if err != nil {
		return nil, s.wrap(op, err)
	}
	ok, err := ofd.Lock(fd, unix.F_WRLCK, protocol.LeaseByte(participant), 1)
	if !ok || err != nil {
		if err = errors.Join(err, unix.Close(fd)); err != nil {
			err = s.wrap(op, err)
		}
		return nil, err
	}
	return &Lease{participant: participant, fd: fd}, nil
}

func (s *Segment) takeLease(fd int, participant uint32) error {
	ok, err := ofd.LockWithin(fd, unix.F_RDLCK, protocol.AttachByte, patience)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: another process is removing the segment and does not finish; is it stopped?", protocol.ErrBusy)
	}
	switch state := loadState(s.mem); state {
	case protocol.StateReady:
	case protocol.StateRemoved:
		return protocol.ErrRemoved
	default:
		return &protocol.CorruptError{Field: "state", Offset: protocol.OffState, Got: uint64(state), Want: "1"}
	}
	ok, err = ofd.Lock(fd, unix.F_WRLCK, protocol.LeaseByte(participant), 1)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("%w: %s", protocol.ErrBusy, describe(readParticipant(s.mem, s.header, participant), participant))
	}
	if _, err := ofd.Lock(fd, unix.F_UNLCK, protocol.AttachByte, 1); err != nil {
		return err
	}
	return nil
}

// Participant is the index of the entry.
func (l *Lease) Participant() uint32 { return l.participant }

// Release gives the lease up. The caller has stopped writing to what belongs to the participant. It may be called more than once.
func (l *Lease) Release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fd < 0 {
		return nil
	}
	err := ofd.UnlockAndClose(l.fd)
	l.fd = -1
	if err != nil {
		return fmt.Errorf("release lease %d: %w", l.participant, err)
	}
	return nil
}

func (l *Lease) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fd >= 0
}

// Held reports whether anybody holds the lease of a participant's entry, this process included: is the participant alive? A
// stopped process is. It costs one system call and allocates nothing. The error matches [os.ErrClosed] after Close.
func (s *Segment) Held(participant uint32) (bool, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return false, os.ErrClosed
	}
	return ofd.Locked(int(s.file.Fd()), protocol.LeaseByte(participant), 1)
}
