//go:build !amd64 || race

package shmpipe

import "sync/atomic"

// useWord is written by one goroutine at a time and read by Close. Here the store must be atomic: for its release order, or for
// the race detector to see it.
type useWord struct{ v atomic.Uint32 }

func (w *useWord) load() uint32   { return w.v.Load() }
func (w *useWord) store(v uint32) { w.v.Store(v) }
