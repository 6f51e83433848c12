//go:build amd64 && !race

package vyukov

import (
	"sync/atomic"
	"unsafe"
)

// storeRelease is the original's memory_order_release. On amd64 any store is one, and the compiler keeps the order of stores. A
// position was taken by compare-and-swap, so until the store this word has one writer.
func storeRelease(word *atomic.Uint64, v uint64) { *(*uint64)(unsafe.Pointer(word)) = v }
