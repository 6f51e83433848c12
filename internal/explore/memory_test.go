//go:build seam

package explore

import (
	"encoding/binary"
	"slices"
	"unsafe"
)

// place is a number for a piece of shared memory that is read and written as one: a word, or the bytes of a granule.
type place int

// nowhere is no place.
const nowhere place = -1

// memory is what the processes share, as far as steps depend on it.
type memory struct {
	regions []region
	places  [][]byte
	of      any // what the system keeps in it
}

type region struct {
	bytes []byte
	unit  int
	first place
}

// share adds memory that is read and written in units of so many bytes. It returns the first of its places.
func (m *memory) share(b []byte, unit int) place {
	first := place(len(m.places))
	m.regions = append(m.regions, region{b, unit, first})
	for ; len(b) > 0; b = b[unit:] {
		m.places = append(m.places, b[:unit:unit])
	}
	return first
}

// find is the place that an address is in.
func (m *memory) find(p unsafe.Pointer) place {
	for _, r := range m.regions {
		if at := uintptr(p) - uintptr(unsafe.Pointer(&r.bytes[0])); at < uintptr(len(r.bytes)) {
			return r.first + place(int(at)/r.unit)
		}
	}
	return nowhere
}

// copy is what is at each place.
func (m *memory) copy() (places [][]byte) {
	for _, b := range m.places {
		places = append(places, slices.Clone(b))
	}
	return places
}

func (m *memory) setWord(p place, v uint64) { binary.LittleEndian.PutUint64(m.places[p], v) }

// aligned is memory at an address that words may have.
func aligned(n int) []byte {
	words := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
}

// values numbers the contents that places have had, so that a state is a row of small numbers.
type values struct {
	list  [][]byte
	index map[string]uint16
}

func (v *values) number(content []byte) uint16 {
	if n, ok := v.index[string(content)]; ok {
		return n
	}
	if len(v.list) > 1<<16-1 {
		panic("more contents than an explorer can number")
	}
	n := uint16(len(v.list))
	kept := append([]byte(nil), content...)
	v.list = append(v.list, kept)
	v.index[string(kept)] = n
	return n
}

// offset is how far a slice is from the start of the region that it is in.
func (p *process) offset(b []byte) int {
	for _, r := range p.mem.regions {
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(b))) - uintptr(unsafe.Pointer(&r.bytes[0])); at < uintptr(len(r.bytes)) {
			return int(at)
		}
	}
	panic("not in shared memory")
}
