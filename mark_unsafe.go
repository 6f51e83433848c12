package shmpipe

import (
	"sync/atomic"
	"unsafe"

	"shmpipe/internal/seam"
)

// mark marks an access to a word, under the build tag seam. Callers ask for the tag first.
func mark(s seam.Site, word *atomic.Uint64) { seam.At(s, unsafe.Pointer(word)) }
