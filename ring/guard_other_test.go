//go:build !linux

package ring

import "testing"

// guardedMemory is an empty ring. Nothing guards its ends here.
func guardedMemory(_ testing.TB, capacity uint64) Memory { return newMemory(capacity) }
