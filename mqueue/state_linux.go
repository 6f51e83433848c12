package mqueue

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/internal/owner"
	"shmpipe/protocol"
)

// patience is how long a lock is waited for that its holder needs for microseconds, unless it was stopped.
const patience = time.Second

const stateSuffix = ".state"

func statePrefix(k Kind) string {
	if k == SysV {
		return "shmpipe-msg."
	}
	return "shmpipe-mq."
}

func stateName(k Kind, name string) string { return statePrefix(k) + name + stateSuffix }

// stateName's inverse.
func nameOf(k Kind, file string) (string, bool) {
	name, ok := strings.CutPrefix(file, statePrefix(k))
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(name, stateSuffix)
	return name, ok && protocol.ValidateName(name) == nil
}

// dirs are where state files may be, in the order in which they are looked for.
func (o Options) dirs() []string {
	if o.Dir != "" {
		return []string{o.Dir}
	}
	return []string{"/dev/shm", "/tmp"}
}

// stateFile is an open state file.
type stateFile struct {
	path string
	fd   int
	head *header
	opts Options // of whoever opened it
	uid  uint32
	size int64 // bytes that it took when it was opened
	mode fs.FileMode

	mu sync.Mutex // the table's lock within this process: its locked byte belongs to the description
}

// openState opens the state file of a name, in whichever directory it is. The error matches fs.ErrNotExist, fs.ErrPermission,
// protocol.ErrNotSegment, ErrVersion or ErrCorrupt; in the last three cases the file comes with it, without a header.
func openState(k Kind, name string, o Options) (*stateFile, error) {
	var absent, closed error
	for _, dir := range o.dirs() {
		s, err := openStateAt(filepath.Join(dir, stateName(k, name)), k, o)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			absent = cmp.Or(absent, err)
		case errors.Is(err, fs.ErrPermission) && s == nil && unix.Faccessat(unix.AT_FDCWD, dir, unix.X_OK, unix.AT_EACCESS) != nil:
			closed = cmp.Or(closed, err) // nobody like us can have put one there, so look on
		default:
			return s, err
		}
	}
	return nil, cmp.Or(absent, closed)
}

func openStateAt(path string, k Kind, o Options) (*stateFile, error) {
	flags := unix.O_RDWR
	if o.ReadOnly {
		flags = unix.O_RDONLY
	}
	fd, err := unix.Open(path, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) {
		return nil, fmt.Errorf("open %s: %w: it is a symbolic link, which is not followed; remove it", path, protocol.ErrNotSegment)
	}
	if errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENXIO) {
		return nil, fmt.Errorf("open %s: %w: it is no regular file", path, protocol.ErrNotSegment)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s := &stateFile{path: path, fd: fd, opts: o}
	if err := s.check(o); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), unix.Close(fd))
	}
	b := make([]byte, headerSize)
	if _, err := s.readAt(b, 0); err != nil {
		return s, fmt.Errorf("%s: %w: it is shorter than a header", path, protocol.ErrNotSegment)
	}
	head, err := decode(b)
	if err == nil && head.kind != k {
		err = &protocol.CorruptError{Field: "kind", Offset: offKind, Got: uint64(head.kind), Want: fmt.Sprint(uint8(k))}
	}
	if err != nil {
		return s, fmt.Errorf("%s: %w", path, err)
	}
	s.head = head
	return s, nil
}

// check refuses what is no regular file, or what another user could have laid out as a trap.
func (s *stateFile) check(o Options) error {
	var st unix.Stat_t
	if err := unix.Fstat(s.fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("%w: it is no regular file", protocol.ErrNotSegment)
	}
	s.uid, s.mode, s.size = st.Uid, fs.FileMode(st.Mode&0o777), st.Blocks*512
	return owner.Check(st.Uid, o.AllowOtherOwner)
}

func (s *stateFile) close() error { return unix.Close(s.fd) }

func (s *stateFile) readAt(b []byte, at int64) (int, error) {
	got := 0
	for got < len(b) {
		n, err := unix.Pread(s.fd, b[got:], at+int64(got))
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return got, fmt.Errorf("read %s: %w", s.path, err)
		case n == 0:
			return got, io.ErrUnexpectedEOF
		default:
			got += n
		}
	}
	return got, nil
}

func (s *stateFile) writeAt(b []byte, at int64) error {
	for len(b) > 0 {
		n, err := unix.Pwrite(s.fd, b, at)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return fmt.Errorf("write %s: %w", s.path, err)
		default:
			b, at = b[n:], at+int64(n)
		}
	}
	return nil
}

// state is what changes in the first page.
type state struct {
	state         uint32
	id            int32
	producers     uint64 // that came
	consumers     uint64
	leftovers     uint64
	leftoverBytes uint64
	// Where one of the other role takes the entry of a dead one, the entry does not tell of that death any more: so this does. 1 more than how
	// many of the dead one's role had come by then. Whoever of that role comes later makes good for it.
	producersLost uint64
	consumersLost uint64
}

// of is how many of a role came, and which deaths among them no entry tells of.
func (v *state) of(role protocol.Role) (came, lost *uint64) {
	if role == protocol.RoleProducer {
		return &v.producers, &v.producersLost
	}
	return &v.consumers, &v.consumersLost
}

func (s *stateFile) state() (state, error) {
	b := make([]byte, stateSize-offState)
	if _, err := s.readAt(b, offState); err != nil {
		return state{}, fmt.Errorf("%s: %w", s.path, err)
	}
	le := binary.LittleEndian
	v := state{
		state: le.Uint32(b), id: int32(le.Uint32(b[offID-offState:])), producers: le.Uint64(b[offProducersCame-offState:]),
		consumers: le.Uint64(b[offConsumersCame-offState:]), leftovers: le.Uint64(b[offLeftovers-offState:]), leftoverBytes: le.Uint64(b[offLeftoversBytes-offState:]),
		producersLost: le.Uint64(b[offProducersLost-offState:]), consumersLost: le.Uint64(b[offConsumersLost-offState:]),
	}
	if v.state > stateRemoved {
		return v, fmt.Errorf("%s: %w", s.path, &protocol.CorruptError{Field: "state", Offset: offState, Got: uint64(v.state), Want: "0 to 2"})
	}
	return v, nil
}

func (s *stateFile) setState(v state) error {
	b := make([]byte, stateSize-offState)
	le := binary.LittleEndian
	le.PutUint32(b, v.state)
	le.PutUint32(b[offID-offState:], uint32(v.id))
	le.PutUint64(b[offProducersCame-offState:], v.producers)
	le.PutUint64(b[offConsumersCame-offState:], v.consumers)
	le.PutUint64(b[offLeftovers-offState:], v.leftovers)
	le.PutUint64(b[offLeftoversBytes-offState:], v.leftoverBytes)
	le.PutUint64(b[offProducersLost-offState:], v.producersLost)
	le.PutUint64(b[offConsumersLost-offState:], v.consumersLost)
	return s.writeAt(b, offState)
}

// locked runs f while the table is ours. A holder that dies leaves at worst a table that the next one mends.
func (s *stateFile) locked(f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok, err := ofd.LockWithin(s.fd, unix.F_WRLCK, lockTable, patience)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	if !ok {
		return fmt.Errorf("%s: %w: another process is changing it and does not finish; is it stopped?", s.path, protocol.ErrBusy)
	}
	err = f()
	_, unlock := ofd.Lock(s.fd, unix.F_UNLCK, lockTable, 1)
	return errors.Join(err, unlock)
}

// ready checks that the queue can be attached to.
func (s *stateFile) ready() (state, error) {
	v, err := s.state()
	switch {
	case err != nil:
	case v.state == stateMaking:
		err = fmt.Errorf("%s: %w: its creator is at work or was killed; in the latter case, create it again or remove it", s.path, protocol.ErrNotReady)
	case v.state == stateRemoved:
		err = fmt.Errorf("%s: %w", s.path, protocol.ErrRemoved)
	}
	return v, err
}

// table reads the participants.
func (s *stateFile) table() ([]entry, error) {
	b := make([]byte, s.head.participants*entrySize)
	n, err := s.readAt(b, offTable)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) { // what was never written is zero
		return nil, err
	}
	clear(b[n:])
	all := make([]entry, s.head.participants)
	for i := range all {
		all[i] = decodeEntry(b[i*entrySize:])
	}
	return all, nil
}

func (s *stateFile) writeEntry(i int, e *entry) error {
	return s.writeAt(e.encode(), offTable+int64(i)*entrySize)
}

// settle finds out whether the participant of an entry that says active lives, and has a dead one's say died.
//
// Who leaves in order writes so before the lease goes. So where the lease is free, the entry is read once more: if it says the same of the same
// participant, that one is dead.
func (s *stateFile) settle(i int, e *entry) error {
	for e.state == protocol.EntryActive && !s.alive(i) {
		b := make([]byte, entrySize)
		if _, err := s.readAt(b, offTable+int64(i)*entrySize); err != nil {
			return fmt.Errorf("%s: %w", s.path, err)
		}
		again := decodeEntry(b)
		if again.state == e.state && again.takes == e.takes {
			again.state = protocol.EntryDied
		}
		*e = again
	}
	return nil
}

// alive reports whether anybody holds a participant's lease.
func (s *stateFile) alive(i int) bool {
	held, err := ofd.Locked(s.fd, lockLease+int64(i), 1)
	return held || err != nil // death must be proved
}
