package ring

import (
	"sync/atomic"
	"unsafe"

	"shmpipe/internal/seam"
)

// mark and markWord mark an access to a word of an SPSC ring, under the build tag seam. Callers ask for the tag first.
func mark(s seam.Site, word *atomic.Uint64) { seam.At(s, unsafe.Pointer(word)) }

func markWord(s seam.Site, word *uint64) { seam.At(s, unsafe.Pointer(word)) }
