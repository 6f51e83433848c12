package check

import (
	"sync/atomic"
	"unsafe"
)

// words reads shared memory one aligned 64-bit word at a time, atomically. Its methods need offsets inside the memory, which the
// header's own checks have made sure of.
type words struct {
	mem []byte
}

// newWords takes mem as it is if it is aligned, as every mapping is, and a copy if not.
func newWords(mem []byte) words {
	if len(mem) > 0 && uintptr(unsafe.Pointer(&mem[0]))%8 != 0 {
		copied := make([]uint64, (len(mem)+7)/8)
		b := unsafe.Slice((*byte)(unsafe.Pointer(&copied[0])), len(mem))
		copy(b, mem)
		mem = b
	}
	return words{mem}
}

// at is the word at an offset that is a multiple of 8. Little-endian hosts only, like the protocol.
func (w words) at(offset uint64) uint64 {
	b := w.mem[offset : offset+8] // checks the bounds without reading a byte, which would race with the owner's stores
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(unsafe.SliceData(b))))
}

// half is the 32-bit word at an offset that is a multiple of 4.
func (w words) half(offset uint64) uint32 {
	b := w.mem[offset : offset+4]
	return atomic.LoadUint32((*uint32)(unsafe.Pointer(unsafe.SliceData(b))))
}
