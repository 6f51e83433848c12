package ring

import (
	"os"
	"testing"

	"shmpipe/protocol"
)

// guardedCrowd is an empty ring whose data has no memory in front of it and behind it, and whose control block has none behind it, as
// far as it is used: whoever reads or writes out of bounds faults, and the test program dies.
func guardedCrowd(t testing.TB, granules, granule uint64, shift uint32) MPMCMemory {
	m := newCrowdMemory(granules, granule, shift)
	page := max(os.Getpagesize(), protocol.PageSize)
	m.Control = guardedBytes(t, len(m.Control), page)
	m.Data = guardedBytes(t, len(m.Data), page)
	return m
}
