//go:build seam

package explore

import (
	"encoding/binary"

	"shmpipe/protocol"
)

// Messages are numbered. The number is the message's type; those of a batch have one type in common, and the number is their first
// byte. What follows is a pattern, so that each granule tells whose it is.

const batchType = 100

func message(id, length int) []byte {
	b := make([]byte, length)
	for i := range b {
		b[i] = pattern(id, i)
	}
	return b
}

func pattern(id, i int) byte {
	if i == 0 {
		return byte(id)
	}
	return byte(37*id + i)
}

func word(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// frame is what is in a frame.
type frame struct {
	sound  bool
	first  int // message
	last   int
	inHand int // the first that is not finished, or last+1
}

// readFrame reads the frame at an index.
func (c *config) readFrame(m *memory, index uint64) frame {
	data := m.of.(*crowd).ring.Data[index*granule:]
	header := word(data)
	if protocol.IsBatch(header) {
		return c.readBatch(data, protocol.FrameLength(header))
	}
	id, ok := c.identify(header, data[protocol.FrameHeaderSize:])
	return frame{ok, id, id, id}
}

func (c *config) readBatch(data []byte, length uint64) frame {
	if length > uint64(len(data)-protocol.BatchHeaderSize) {
		return frame{}
	}
	done := word(data[protocol.FrameHeaderSize:])
	data = data[protocol.BatchHeaderSize:][:length]
	f := frame{first: -1, last: -1, inHand: -1}
	for at := uint64(0); at < length; {
		header := word(data[at:])
		id, ok := c.identify(header, data[at+protocol.FrameHeaderSize:])
		if !ok || f.last >= 0 && id != f.last+1 {
			return frame{}
		}
		if f.first < 0 {
			f.first = id
		}
		if at >= done && f.inHand < 0 {
			f.inHand = id
		}
		f.last = id
		at += protocol.FrameSize(protocol.FrameLength(header))
	}
	if f.inHand < 0 {
		f.inHand = f.last + 1
	}
	f.sound = f.first >= 0
	return f
}

// identify says which message a header and what follows it are of.
func (c *config) identify(header uint64, content []byte) (id int, ok bool) {
	n := protocol.FrameLength(header)
	if !protocol.IsData(header) || n > uint64(len(content)) {
		return 0, false
	}
	id = int(protocol.FrameType(header))
	if id == batchType {
		if n == 0 {
			return 0, false
		}
		id = int(content[0])
	}
	return id, id < len(c.lengths()) && uint64(c.lengths()[id]) == n
}
