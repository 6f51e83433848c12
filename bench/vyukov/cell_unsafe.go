package vyukov

import (
	"sync/atomic"
	"unsafe"
)

// cells is the array of slots. Positions are masked, so whatever they are, a cell is in bounds: newQueue has checked the memory's
// length.
type cells struct {
	base    unsafe.Pointer
	mask    uint64
	stride  uint64
	payload int
}

func newCells(mem []byte, slots, payload int) cells {
	return cells{unsafe.Pointer(unsafe.SliceData(mem[offCells:])), uint64(slots) - 1, uint64(stride(payload)), payload}
}

// cell is one slot.
type cell struct{ at unsafe.Pointer }

func (c *cells) cell(pos uint64) cell { return cell{unsafe.Add(c.base, (pos&c.mask)*c.stride)} }

func (c cell) sequence() *atomic.Uint64 { return (*atomic.Uint64)(c.at) }

// put and get copy a message of one word as a word: the usual copy is a call of some nanoseconds.
func (c cell) put(msg []byte) {
	if len(msg) == 8 {
		*(*[8]byte)(unsafe.Add(c.at, sequenceSize)) = [8]byte(msg)
		return
	}
	copy(unsafe.Slice((*byte)(unsafe.Add(c.at, sequenceSize)), len(msg)), msg)
}

func (c cell) get(buf []byte) {
	if len(buf) == 8 {
		*(*[8]byte)(buf) = *(*[8]byte)(unsafe.Add(c.at, sequenceSize))
		return
	}
	copy(buf, unsafe.Slice((*byte)(unsafe.Add(c.at, sequenceSize)), len(buf)))
}

// word is the 64-bit word at an offset of the memory.
func word(mem []byte, offset int) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(unsafe.SliceData(mem[offset : offset+8])))
}

func aligned(mem []byte) bool { return uintptr(unsafe.Pointer(unsafe.SliceData(mem)))%8 == 0 }
