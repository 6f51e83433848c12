package mqueue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"shmpipe/protocol"
)

// leftover is a message that a receiver had and did not deliver when it closed: a whole one, or the beginning of one whose rest is in the
// queue still.
//
// In the state file, each has 8 bytes of its own (uint32 length of what follows, uint32 state), then a fragment's header, then the
// payload. They stand one behind the other; one that was taken is marked, and when none is left, the area is empty again. Each step is
// one small write, so that a death in between does no harm.
type leftover struct {
	fragment
	payload []byte
	partial bool
}

const (
	leftoverHead  = 8
	mostLeftovers = 1 << 32 // bytes
)

// States of a leftover.
const (
	leftoverWhole uint32 = iota + 1
	leftoverPartial
	leftoverTaken
)

// pushLeftover adds one.
func (s *stateFile) pushLeftover(l leftover) error {
	l.flags = fragmentFirst
	b := make([]byte, leftoverHead+fragmentHeader+len(l.payload))
	binary.LittleEndian.PutUint32(b, uint32(fragmentHeader+len(l.payload)))
	binary.LittleEndian.PutUint32(b[4:], leftoverWhole)
	if l.partial {
		binary.LittleEndian.PutUint32(b[4:], leftoverPartial)
	}
	l.offset = 0
	l.put(b[leftoverHead:])
	copy(b[leftoverHead+fragmentHeader:], l.payload)
	return s.locked(func() error {
		v, err := s.state()
		if err != nil {
			return err
		}
		if v.state != stateReady || v.leftoverBytes > mostLeftovers {
			return fmt.Errorf("%s: a message of %d bytes cannot be kept for another receiver: %w", s.path, len(l.payload), protocol.ErrRemoved)
		}
		if err := s.writeAt(b, offRemainder+int64(v.leftoverBytes)); err != nil {
			return fmt.Errorf("keep a message for another receiver: %w", err)
		}
		if !l.partial {
			v.leftovers++
		}
		v.leftoverBytes += uint64(len(b))
		return s.setState(v)
	})
}

// choice is what becomes of a leftover.
type choice int

const (
	choiceLeave choice = iota
	choiceTake         // the first one; later ones stay
	choiceDrop
)

// popLeftover looks at all of them, takes at most one, and drops some. It returns nil if none was taken, and how many were dropped.
func (s *stateFile) popLeftover(choose func(leftover) choice) (found *leftover, dropped int, err error) {
	err = s.locked(func() error {
		v, err := s.state()
		if err != nil || v.leftoverBytes == 0 {
			return err
		}
		if v.leftoverBytes > 2*mostLeftovers {
			return fmt.Errorf("%s: %w", s.path, &protocol.CorruptError{Field: "bytes of leftovers", Offset: offLeftoversBytes, Got: v.leftoverBytes, Want: fmt.Sprintf("at most %d", uint64(mostLeftovers))})
		}
		before, live, whole := v, 0, uint64(0)
		for at := uint64(0); at < v.leftoverBytes; {
			l, state, size, err := s.leftoverAt(at, v.leftoverBytes)
			if err != nil {
				return err
			}
			c := choiceLeave
			if state != leftoverTaken {
				if c = choose(*l); c == choiceTake && found != nil {
					c = choiceLeave
				}
			}
			switch {
			case state == leftoverTaken:
			case c == choiceLeave:
				if live++; !l.partial {
					whole++
				}
			default:
				if c == choiceTake {
					found = l
				} else {
					dropped++
				}
				if err := s.writeAt(binary.LittleEndian.AppendUint32(nil, leftoverTaken), offRemainder+int64(at)+4); err != nil {
					return err
				}
			}
			at += size
		}
		if v.leftovers = whole; live == 0 {
			v.leftoverBytes = 0
		}
		if v == before {
			return nil // each write wakes everyone who waits, and they would look again, for ever
		}
		return s.setState(v)
	})
	return found, dropped, err
}

// leftoverAt reads the one at an offset of the area, and returns what it takes in all.
func (s *stateFile) leftoverAt(at, end uint64) (*leftover, uint32, uint64, error) {
	bad := func(field string, got uint64, want string) (*leftover, uint32, uint64, error) {
		return nil, 0, 0, fmt.Errorf("%s: %w", s.path, &protocol.CorruptError{Field: field + " of a leftover", Offset: offRemainder + at, Got: got, Want: want})
	}
	var head [leftoverHead + fragmentHeader]byte
	if _, err := s.readAt(head[:], offRemainder+int64(at)); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return bad("end", at, "within the file")
		}
		return nil, 0, 0, err
	}
	length, state := uint64(binary.LittleEndian.Uint32(head[:])), binary.LittleEndian.Uint32(head[4:])
	if length < fragmentHeader || length > fragmentHeader+uint64(s.head.maxMessage) || at+leftoverHead+length > end {
		return bad("length", length, fmt.Sprintf("%d to %d", fragmentHeader, end-at))
	}
	if state < leftoverWhole || state > leftoverTaken {
		return bad("state", uint64(state), "1 to 3")
	}
	size := leftoverHead + length
	if state == leftoverTaken {
		return nil, state, size, nil
	}
	le := binary.LittleEndian
	h := head[leftoverHead:]
	l := &leftover{
		fragment: fragment{typ: le.Uint16(h[2:]), sender: le.Uint32(h[4:]), number: le.Uint64(h[8:]), total: le.Uint32(h[16:])},
		payload:  make([]byte, length-fragmentHeader), partial: state == leftoverPartial,
	}
	if _, err := s.readAt(l.payload, offRemainder+int64(at)+leftoverHead+fragmentHeader); err != nil {
		return nil, 0, 0, fmt.Errorf("%s: %w", s.path, err)
	}
	return l, state, size, nil
}
