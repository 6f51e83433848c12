//go:build !amd64 && !arm64

package main

import "time"

// pause makes n turns of an empty call, for want of a portable PAUSE. n is at least one.
func pause(n uint32) {
	for range n {
		turn()
	}
}

//go:noinline
func turn() {}

var epoch = time.Now()

// ticks are nanoseconds here.
func ticks() uint64 { return uint64(time.Since(epoch)) }
