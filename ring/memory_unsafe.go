package ring

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"shmpipe/protocol"
)

// addr is the start of a shared area. It points into a mapping (or, in tests, into a slice that the endpoint keeps alive).
type addr = unsafe.Pointer

// wordAt is the 64-bit word at an offset. The caller has checked that offset+8 is in bounds and aligned.
func wordAt(base addr, offset uint64) *uint64 { return (*uint64)(unsafe.Add(base, offset)) }

func atomicAt(base addr, offset uint64) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Add(base, offset))
}

// bytesAt is the view of n bytes at an offset, with no room to append.
func bytesAt(base addr, offset, n uint64) []byte {
	if n == 0 { // then offset may be the end of the data, and a pointer there would point to what lies behind
		return unsafe.Slice((*byte)(base), 0)
	}
	return unsafe.Slice((*byte)(unsafe.Add(base, offset)), n)
}

// Memory is where a ring lives: its control block and its data, as protocol lays them out. The slices are shared with the other
// side and must stay mapped as long as an endpoint is in use.
type Memory struct {
	Control    []byte // at least protocol.ControlSize bytes, aligned to 8
	Data       []byte // capacity: a power of two, aligned to 8
	MaxMessage uint64 // bytes of payload
	Drop       bool   // what a consumer had in hand when it died is dropped

	// Unfence is called now and then by a Producer that is fenced, and reports whether that is needed no longer; nil: it stays.
	Unfence func() bool
}

// check makes sure that what the endpoints do without looking stays in bounds.
func (m Memory) check() error {
	capacity := uint64(len(m.Data))
	switch {
	case len(m.Control) < protocol.ControlSize:
		return fmt.Errorf("control block has %d bytes, want %d", len(m.Control), protocol.ControlSize)
	case capacity < protocol.MinCapacity || capacity&(capacity-1) != 0:
		return fmt.Errorf("data has %d bytes, want a power of two of at least %d", capacity, protocol.MinCapacity)
	case m.MaxMessage == 0 || m.MaxMessage > protocol.MaxPayload(capacity):
		return fmt.Errorf("largest message is %d bytes, want 1 to %d", m.MaxMessage, protocol.MaxPayload(capacity))
	case uintptr(unsafe.Pointer(&m.Control[0]))%8 != 0 || uintptr(unsafe.Pointer(&m.Data[0]))%8 != 0:
		return fmt.Errorf("control block and data are not aligned to 8 bytes")
	}
	return nil
}

func (m Memory) control() addr { return unsafe.Pointer(unsafe.SliceData(m.Control)) }
func (m Memory) data() addr    { return unsafe.Pointer(unsafe.SliceData(m.Data)) }
func (m Memory) poison() *atomic.Uint32 {
	return (*atomic.Uint32)(unsafe.Add(m.control(), protocol.OffPoison))
}

// storeOwned stores to a word that only this endpoint writes and that nobody uses to decide while this endpoint lives: the
// cursor and the message counters. A plain store is enough. Its reader is either a tool, which wants some recent value (the
// word is aligned, so it is never half of one), or the successor of this endpoint, which has proof from the kernel that this
// process is gone; the kernel orders all that the process did before that proof. An atomic store would be XCHG on amd64 and
// empty the store buffer for each message.
func storeOwned(p *uint64, v uint64) { *p = v }

func addrAt(base addr, offset uint64) addr { return unsafe.Add(base, offset) }

// count adds one to a counter on a line that only this endpoint writes.
func count(counters addr, index uint64) { addOwned(wordAt(counters, 8*index), 1) }

// addOwned adds to such a word.
func addOwned(p *uint64, n uint64) { *p += n }
