package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"shmpipe/protocol"
)

// image is a private copy of the beginning of a segment: header, state, ring table. Everything is judged on the copy, so that
// nothing is read twice.
type image struct {
	bytes  []byte
	state  uint32
	header *protocol.Header // nil if err is not
	err    error            // what protocol.Parse says
}

// readImage copies the beginning of an object of size bytes by way of read, and parses it. A file is read by pread, where a
// truncation is a short count and no signal. The error is one of reading; what is wrong with the contents is in the image.
func readImage(read func(p []byte, off int64) error, size uint64) (*image, error) {
	b := make([]byte, min(size, protocol.HeaderSize))
	if err := read(b, 0); err != nil {
		return nil, err
	}
	if len(b) == protocol.HeaderSize {
		rings := uint64(binary.LittleEndian.Uint32(b[protocol.OffRingCount:]))
		if end := protocol.HeaderSize + rings*protocol.RingEntrySize; rings <= protocol.MaxRings && end <= size {
			b = append(b, make([]byte, end-protocol.HeaderSize)...)
			if err := read(b[protocol.HeaderSize:], protocol.HeaderSize); err != nil {
				return nil, err
			}
		}
	}
	return newImage(b, size), nil
}

func newImage(b []byte, size uint64) *image {
	m := &image{bytes: b}
	if len(b) >= protocol.HeaderSize {
		m.state = binary.LittleEndian.Uint32(b[protocol.OffState:])
	}
	if !m.hasMagic() {
		// A short file is named for what it is: not damaged, but not ours.
		m.err = fmt.Errorf("%w: it has %d bytes and begins with %q, want at least %d and %q",
			protocol.ErrNotSegment, size, b[:min(len(b), len(protocol.Magic))], protocol.HeaderSize, protocol.Magic[:])
		return m
	}
	m.header, m.err = protocol.Parse(b, size)
	return m
}

func (m *image) hasMagic() bool {
	return len(m.bytes) >= len(protocol.Magic) && [8]byte(m.bytes[:8]) == protocol.Magic
}

// blank reports whether nothing was ever written to it.
func (m *image) blank() bool {
	for _, c := range m.bytes {
		if c != 0 {
			return false
		}
	}
	return true
}

// begun reports whether it looks like what a creator of ours had not finished.
func (m *image) begun() bool {
	return m.state == protocol.StateBuilding && (m.blank() || m.hasMagic())
}

// attachable reports why nobody may attach: the contents, the name, the state, a feature. An empty want stands for any name.
func (m *image) attachable(want string, readOnly bool) error {
	if m.err != nil {
		return m.err
	}
	h := m.header
	if want != "" && h.Name != want {
		return fmt.Errorf("%w: its header names it %q, not %q; it was renamed or linked", protocol.ErrNotSegment, h.Name, want)
	}
	if err := protocol.ValidateName(h.Name); err != nil {
		return fmt.Errorf("%w: its header's %w", protocol.ErrNotSegment, err)
	}
	switch m.state {
	case protocol.StateReady:
	case protocol.StateBuilding:
		return fmt.Errorf("%w: its creator did not finish; remove it with `shmpipe rm %s`", protocol.ErrNotReady, h.Name)
	case protocol.StateRemoved:
		return fmt.Errorf("%w (%w)", protocol.ErrRemoved, fs.ErrNotExist)
	default:
		return &protocol.CorruptError{Field: "state", Offset: protocol.OffState, Got: uint64(m.state), Want: "0, 1 or 2"}
	}
	if readOnly {
		return nil
	}
	return h.Writable()
}

// compose lays the beginning of a new segment out in private memory, and checks it as an opener would. Its state is building.
func compose(h *protocol.Header) (*image, error) {
	if len(h.Rings) > protocol.MaxRings {
		return nil, fmt.Errorf("header has %d rings, want at most %d: %w", len(h.Rings), protocol.MaxRings, fs.ErrInvalid)
	}
	b := make([]byte, protocol.HeaderSize+len(h.Rings)*protocol.RingEntrySize)
	h.Encode(b)
	m := newImage(b, h.SegmentSize)
	if m.err == nil && h.SegmentSize != uint64(int(h.SegmentSize)) {
		m.err = errors.New("it does not fit in this machine's address space")
	}
	if m.err != nil {
		return nil, fmt.Errorf("header is not one of protocol.NewHeader: %w (%w)", fs.ErrInvalid, m.err)
	}
	return m, nil
}
