//go:build seam

package explore

import (
	"math/bits"
	"unsafe"
)

// store keeps states, each once, numbered in the order in which they were found.
type store struct {
	width  int
	chunks [][]uint16
	from   []uint32 // the state before
	by     []action // and what led from it
	table  []uint32 // open addressing: number + 1
}

// chunk is how many states are kept in one piece, so that they need not be moved when there are more.
const chunk = 1 << 14

func newStore(width int) *store { return &store{width: width, table: make([]uint32, 1<<16)} }

func (s *store) len() int { return len(s.by) }

func (s *store) at(n uint32) []uint16 {
	return s.chunks[n/chunk][int(n%chunk)*s.width:][:s.width:s.width]
}

// hash mixes four numbers at a time.
func hash(state []uint16) uint64 {
	h := uint64(len(state))
	for _, w := range unsafe.Slice((*uint64)(unsafe.Pointer(&state[0])), len(state)/4) {
		high, low := bits.Mul64(h^w^0x9e3779b97f4a7c15, 0xd6e8feb86659fd93)
		h = high ^ low
	}
	return h
}

// find is the number of a state; if it is new, add.
func (s *store) find(state []uint16) (n uint32, slot int) {
	mask := len(s.table) - 1
	for slot = int(hash(state)) & mask; ; slot = (slot + 1) & mask {
		k := s.table[slot]
		if k == 0 {
			return ^uint32(0), slot
		}
		if equal(s.at(k-1), state) {
			return k - 1, slot
		}
	}
}

func equal(a, b []uint16) bool {
	x := unsafe.Slice((*uint64)(unsafe.Pointer(&a[0])), len(a)/4)
	y := unsafe.Slice((*uint64)(unsafe.Pointer(&b[0])), len(b)/4)
	for i, w := range x {
		if w != y[i] {
			return false
		}
	}
	return true
}

// add keeps a state, unless it is kept already.
func (s *store) add(state []uint16, from uint32, by action) {
	n, slot := s.find(state)
	if n != ^uint32(0) {
		return
	}
	if len(s.by)%chunk == 0 {
		s.chunks = append(s.chunks, make([]uint16, chunk*s.width))
	}
	copy(s.chunks[len(s.by)/chunk][len(s.by)%chunk*s.width:], state)
	s.from = append(s.from, from)
	s.by = append(s.by, by)
	s.table[slot] = uint32(len(s.by))
	if 2*len(s.by) > len(s.table) {
		s.grow()
	}
}

func (s *store) grow() {
	s.table = make([]uint32, 4*len(s.table))
	mask := len(s.table) - 1
	for n := range uint32(len(s.by)) {
		slot := int(hash(s.at(n))) & mask
		for s.table[slot] != 0 {
			slot = (slot + 1) & mask
		}
		s.table[slot] = n + 1
	}
}

// way is what led to a state.
func (s *store) way(n uint32) []action {
	var way []action
	for ; n != 0; n = s.from[n] {
		way = append(way, s.by[n])
	}
	for i, j := 0, len(way)-1; i < j; i, j = i+1, j-1 {
		way[i], way[j] = way[j], way[i]
	}
	return way
}
