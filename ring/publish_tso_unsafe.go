//go:build amd64 && !race

package ring

import (
	"sync/atomic"
	"unsafe"
)

// storeRelease stores so that whoever loads the value atomically sees everything stored before it. On amd64 every store does that;
// Go has no atomic store that is only a release (golang/go#70607) and makes XCHG of the one it has, which empties the store buffer:
// it doubles the cost of a small message. The compiler keeps the order of stores to memory, and this word has one writer.
//
// What the plain store does not do is come before a later load. See [Producer.Publish] for who makes up for that.
func storeRelease(word *atomic.Uint64, v uint64) { *(*uint64)(unsafe.Pointer(word)) = v }
