package trial

import (
	"sync/atomic"
	"unsafe"
)

// Words of the page that both processes share, each on a line of its own.
const (
	wordReady    = iota // the sending process has come to the gate
	wordGo              // the receiving process has let it through
	wordOffered         // text and files are on their way
	wordSent            // the sending process has done what is measured
	wordCPU             // the CPU time that it took, in nanoseconds
	wordIdle            // the CPU time of a receiver that waited, in nanoseconds
	wordIdleTime        // and for how long it waited
	wordOver            // the receiving process has done what is measured
	wordProgress        // round trips, now and then: what tells a long trial from a hanging one
	words
)

const pageBytes = 4096

// page is that page.
type page struct{ mem []byte }

func (p page) word(i int) *atomic.Uint64 {
	const apart = 128
	_ = p.mem[apart*words-1]
	return (*atomic.Uint64)(unsafe.Pointer(&p.mem[apart*i]))
}
