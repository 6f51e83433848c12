//go:build !amd64 || race

package ring

import "sync/atomic"

// storeRelease stores so that whoever loads the value atomically sees everything stored before it. On arm64 an atomic store is STLR,
// which is just that; and the race detector must see it.
func storeRelease(word *atomic.Uint64, v uint64) { word.Store(v) }
