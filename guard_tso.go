//go:build amd64 && !race

package shmpipe

import "sync/atomic"

// useWord is written by one goroutine at a time and read by Close. A plain store is enough: on amd64 it is a release store, the
// barrier that the guard needs is made by Close, and no other goroutine writes. An atomic store would be XCHG, twice for each
// message.
type useWord struct{ v uint32 }

func (w *useWord) load() uint32   { return atomic.LoadUint32(&w.v) }
func (w *useWord) store(v uint32) { w.v = v }
