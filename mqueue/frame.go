package mqueue

import (
	"encoding/binary"
	"fmt"

	"shmpipe/protocol"
)

// fragmentHeader begins each of the queue's own messages.
//
//	0  version, 1   1  flags   2  type   4  sender: entry, and takes above it   8  number of the message
//	16 length of the whole message   20 where this part begins in it   24 the part
const fragmentHeader = 24

const fragmentVersion = 1

const (
	fragmentFirst = 1 << iota
	fragmentLast
)

type fragment struct {
	flags         uint8
	typ           uint16
	sender        uint32
	number        uint64
	total, offset uint32
}

func (f fragment) put(b []byte) {
	le := binary.LittleEndian
	b[0], b[1] = fragmentVersion, f.flags
	le.PutUint16(b[2:], f.typ)
	le.PutUint32(b[4:], f.sender)
	le.PutUint64(b[8:], f.number)
	le.PutUint32(b[16:], f.total)
	le.PutUint32(b[20:], f.offset)
}

// parse checks one of the queue's messages and returns its header and its part. Whoever may open the queue may have put it there.
func parse(b []byte, most int) (fragment, []byte, error) {
	bad := func(field string, off int, got uint64, want string) (fragment, []byte, error) {
		return fragment{}, nil, &protocol.CorruptError{Field: field + " of a message", Offset: uint64(off), Got: got, Want: want}
	}
	if len(b) < fragmentHeader {
		return bad("length", 0, uint64(len(b)), fmt.Sprintf("at least %d", fragmentHeader))
	}
	if b[0] != fragmentVersion {
		return bad("version", 0, uint64(b[0]), fmt.Sprint(fragmentVersion))
	}
	le := binary.LittleEndian
	f := fragment{flags: b[1], typ: le.Uint16(b[2:]), sender: le.Uint32(b[4:]), number: le.Uint64(b[8:]), total: le.Uint32(b[16:]), offset: le.Uint32(b[20:])}
	part := b[fragmentHeader:]
	end := uint64(f.offset) + uint64(len(part))
	switch {
	case uint64(f.total) > uint64(most):
		return bad("total", 16, uint64(f.total), fmt.Sprintf("at most %d", most))
	case end > uint64(f.total):
		return bad("end", 20, end, fmt.Sprintf("at most %d", f.total))
	case (f.flags&fragmentFirst != 0) != (f.offset == 0):
		return bad("offset", 20, uint64(f.offset), "0 in the first part only")
	case (f.flags&fragmentLast != 0) != (end == uint64(f.total)):
		return bad("end", 20, end, "the total in the last part only")
	}
	return f, part, nil
}

// continues reports whether f is the part that comes after g and have bytes.
func (f fragment) continues(g fragment, have int) bool {
	return f.sender == g.sender && f.number == g.number && f.total == g.total && f.typ == g.typ && uint64(f.offset) == uint64(have)
}
