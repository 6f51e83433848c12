//go:build !linux

package ring

import "testing"

// guardedCrowd is an empty ring. Nothing guards its ends here.
func guardedCrowd(_ testing.TB, granules, granule uint64, shift uint32) MPMCMemory {
	return newCrowdMemory(granules, granule, shift)
}
