package shmpipe

import (
	"sync/atomic"
	"unsafe"
)

// atomicWord is the 64-bit word at an offset of the mapping. The header's checks have made sure that it is in bounds and aligned.
func atomicWord(mem []byte, offset uint64) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(unsafe.SliceData(mem[offset : offset+8])))
}

// word32 is the 32-bit word at an offset of the mapping, likewise.
func word32(mem []byte, offset uint64) *uint32 {
	return (*uint32)(unsafe.Pointer(unsafe.SliceData(mem[offset : offset+4])))
}

// startOf and bytesAt take a slice of shared memory apart and put it together again, with no room to append.
func startOf(b []byte) *byte { return unsafe.SliceData(b) }

func bytesAt(data *byte, n int) []byte { return unsafe.Slice(data, n) }
