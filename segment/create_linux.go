package segment

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"shmpipe/protocol"
)

// Create makes a segment with the layout of h, see [protocol.NewHeader], and attaches to it. It fills in name, identifier and
// time of creation in a copy; h stays as it is. Nobody can open the segment before it is complete, and if Create fails or its
// process is killed, nothing is left that keeps the name from being used (with SysV, the next Create clears up).
//
// The errors match [fs.ErrInvalid] for a bad name, mode or layout, [fs.ErrExist] if the name is taken, [syscall.ENOSPC],
// [syscall.ENOMEM] or [syscall.EFBIG] if there is no room.
func Create(b Backend, name string, h *protocol.Header, o Options) (*Segment, error) {
	s, err := create(b, name, h, o)
	if err != nil {
		return nil, fmt.Errorf("create %v segment %q: %w", b, name, err)
	}
	return s, nil
}

func create(b Backend, name string, h *protocol.Header, o Options) (*Segment, error) {
	if err := protocol.ValidateName(name); err != nil {
		return nil, err
	}
	perm, err := o.perm()
	if err != nil {
		return nil, err
	}
	if h == nil {
		return nil, fmt.Errorf("header is nil, want one of protocol.NewHeader: %w", fs.ErrInvalid)
	}
	own := *h
	own.Name = name
	own.CreatedUnixNano = time.Now().UnixNano()
	rand.Read(own.UUID[:])
	m, err := compose(&own)
	if err != nil {
		return nil, err
	}
	s := &Segment{backend: b, header: m.header}
	switch b {
	case POSIX:
		err = s.createPosix(m, perm, o)
	case Memfd:
		err = s.createMemfd(m, perm, o)
	case SysV:
		err = s.createSysV(m, perm, o)
	default:
		return nil, unknownBackend(b)
	}
	if err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return s, nil
}

// fill writes the beginning of a new segment, whose memory is zero, and publishes it. The state is stored last: whoever sees
// it ready sees all that came before.
func (s *Segment) fill(m *image, o Options) {
	s.obtained = obtain(s.mem, o, true)
	// The magic goes first: if a SysV creator is killed in between, its remains are either blank or recognisable.
	n := copy(s.mem, protocol.Magic[:])
	copy(s.mem[n:], m.bytes[n:])
	storeState(s.mem, protocol.StateReady)
}

func errExists(path, advice string) error {
	return fmt.Errorf("%s: %w; %s", path, fs.ErrExist, advice)
}
