//go:build !gc || purego || !(amd64 || arm64)

package spin

import (
	"sync/atomic"
	"time"
)

// loadsPerPause makes one round last about as long as one PAUSE: some ten nanoseconds.
const loadsPerPause = 16

var (
	idle  atomic.Uint32 // only ever read, so every core keeps its line shared
	start = time.Now()
)

// pause reads an atomic word, because the compiler keeps every such read and would drop an empty loop's body.
func pause(n uint32) {
	for range n {
		for range loadsPerPause {
			idle.Load()
		}
	}
}

func ticks() uint64 { return uint64(time.Since(start)) }

func ticksPerMicrosecond() uint64 { return uint64(time.Microsecond / time.Nanosecond) }
