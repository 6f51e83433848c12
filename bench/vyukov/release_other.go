//go:build !amd64 || race

package vyukov

import "sync/atomic"

// storeRelease is the original's memory_order_release. Elsewhere an atomic store costs no more, and the race detector must see it.
func storeRelease(word *atomic.Uint64, v uint64) { word.Store(v) }
