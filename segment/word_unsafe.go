package segment

import (
	"sync/atomic"
	"unsafe"

	"shmpipe/protocol"
)

// word32 is the word at off. The mapping begins at a page, so an offset that is a multiple of four is aligned.
func word32(mem []byte, off uint64) *uint32 {
	_ = mem[off : off+4 : off+4]
	return (*uint32)(unsafe.Pointer(&mem[off]))
}

func loadState(mem []byte) uint32 { return atomic.LoadUint32(word32(mem, protocol.OffState)) }

func storeState(mem []byte, state uint32) {
	atomic.StoreUint32(word32(mem, protocol.OffState), state)
}

func swapState(mem []byte, from, to uint32) bool {
	return atomic.CompareAndSwapUint32(word32(mem, protocol.OffState), from, to)
}

// touchWrite takes the write fault of every page. Adding zero changes nothing, even while a peer writes to the same word.
func touchWrite(mem []byte, page int) {
	for off := 0; off < len(mem); off += page {
		atomic.AddUint32(word32(mem, uint64(off)), 0)
	}
}

// touchRead takes the read fault of every page.
func touchRead(mem []byte, page int) {
	for off := 0; off < len(mem); off += page {
		atomic.LoadUint32(word32(mem, uint64(off)))
	}
}

func address(mem []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(mem))) }
