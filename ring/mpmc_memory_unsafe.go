package ring

import (
	"fmt"
	"math/bits"
	"sync/atomic"
	"unsafe"

	"shmpipe/internal/seam"
	"shmpipe/protocol"
)

// MPMCMemory is where an MPMC ring lives: its control block and its data, as protocol lays them out. The slices are shared with
// the other participants and must stay mapped as long as an endpoint is in use.
type MPMCMemory struct {
	Control      []byte // protocol.MPMCControlSize bytes, aligned to 8
	Data         []byte // capacity: a power of two, aligned to 8
	MaxMessage   uint64 // bytes of payload
	Granule      uint64 // bytes, a power of two
	WordShift    uint32 // see protocol.Ring
	Participants uint32
	Drop         bool // what a dead consumer had in hand is dropped

	// Fenced says that a commit, and giving a frame back, must come before every later load of this processor; see
	// [Producer.Publish]. Unfence is called now and then, and reports whether that is needed no longer; nil: it stays.
	Fenced  bool
	Unfence func() bool
}

// check makes sure that what the endpoints do without looking stays in bounds.
func (m MPMCMemory) check() error {
	capacity := uint64(len(m.Data))
	switch {
	case m.Granule < protocol.MinGranule || m.Granule&(m.Granule-1) != 0:
		return fmt.Errorf("granule is %d bytes, want a power of two of at least %d", m.Granule, protocol.MinGranule)
	case capacity < 2*m.Granule || capacity&(capacity-1) != 0:
		return fmt.Errorf("data has %d bytes, want a power of two of at least two granules of %d", capacity, m.Granule)
	case m.Participants == 0 || m.Participants > protocol.MaxMPMCParticipants:
		return fmt.Errorf("participants are %d, want 1 to %d", m.Participants, protocol.MaxMPMCParticipants)
	case uint64(len(m.Control)) < protocol.MPMCControlSize(m.Participants, capacity/m.Granule):
		return fmt.Errorf("control block has %d bytes, want %d", len(m.Control), protocol.MPMCControlSize(m.Participants, capacity/m.Granule))
	case m.MaxMessage == 0 || m.MaxMessage > protocol.MPMCMaxPayload(capacity, m.Granule):
		return fmt.Errorf("largest message is %d bytes, want 1 to %d", m.MaxMessage, protocol.MPMCMaxPayload(capacity, m.Granule))
	case m.WordShift > uint32(bits.Len64(capacity/m.Granule)-1):
		return fmt.Errorf("word shift is %d, want at most %d", m.WordShift, bits.Len64(capacity/m.Granule)-1)
	case uintptr(unsafe.Pointer(&m.Control[0]))%8 != 0 || uintptr(unsafe.Pointer(&m.Data[0]))%8 != 0:
		return fmt.Errorf("control block and data are not aligned to 8 bytes")
	}
	return nil
}

// crowd is what every participant of an MPMC ring has: the ring's shape, its shared words, and who we are.
type crowd struct {
	breach

	words       addr
	data        addr
	mask        uint64 // granules - 1
	block       uint64 // granules of a block, less 1: how far hints may lag, if nobody dies
	bits        uint8  // of an index
	left, right uint8  // how an index is rotated to find its word
	shift       uint8  // of a granule's size
	slot        uint8  // ours
	maxMessage  uint64
	slots       uint32

	tail, head *atomic.Uint64
	orphans    *atomic.Uint64
	counters   addr // ours
	sleepers   *atomic.Uint32

	mem MPMCMemory // keeps the slices reachable
}

// join attaches to a ring as participant slot. Gate is the offset of the gate at which those sleep whom we serve.
func join(m MPMCMemory, slot uint8, gate uint64) (crowd, error) {
	if err := m.check(); err != nil {
		return crowd{}, err
	}
	if uint32(slot) >= m.Participants {
		return crowd{}, fmt.Errorf("participant is %d, want 0 to %d", slot, m.Participants-1)
	}
	ctl := unsafe.Pointer(unsafe.SliceData(m.Control))
	granules := uint64(len(m.Data)) / m.Granule
	n := uint8(bits.Len64(granules) - 1)
	c := crowd{
		breach:     breach{poison: (*atomic.Uint32)(unsafe.Add(ctl, protocol.OffPoison))},
		words:      addrAt(ctl, protocol.WordsOffset(m.Participants)),
		data:       unsafe.Pointer(unsafe.SliceData(m.Data)),
		mask:       granules - 1,
		block:      max(min(granules/4, 64), 1) - 1,
		bits:       n,
		left:       uint8(m.WordShift) % n,
		right:      n - uint8(m.WordShift)%n,
		shift:      uint8(bits.Len64(m.Granule) - 1),
		slot:       slot,
		maxMessage: m.MaxMessage,
		slots:      m.Participants,
		tail:       atomicAt(ctl, protocol.OffMPMCTail),
		head:       atomicAt(ctl, protocol.OffMPMCHead),
		orphans:    atomicAt(ctl, protocol.OffMPMCOrphans),
		counters:   addrAt(ctl, protocol.OffMPMCSlots+uint64(slot)*protocol.MPMCSlotSize),
		sleepers:   (*atomic.Uint32)(unsafe.Add(ctl, gate+protocol.OffGateWaiting)),
		mem:        m,
	}
	if c.poisoned() {
		return crowd{}, c.err
	}
	return c, nil
}

// word is the word of the granule at a position or index.
func (c *crowd) word(pos uint64) *atomic.Uint64 {
	i := pos & c.mask
	return atomicAt(c.words, 8*((i<<(c.left&63)|i>>(c.right&63))&c.mask))
}

func (c *crowd) lap(pos uint64) uint32 { return uint32(pos >> (c.bits & 63)) }

// spanOf is how many granules n bytes take.
func (c *crowd) spanOf(n uint64) uint64 { return (n + (1<<(c.shift&63) - 1)) >> (c.shift & 63) }

// at is the offset in the data of the granule at a position or index.
func (c *crowd) at(pos uint64) uint64 { return pos & c.mask << (c.shift & 63) }

// load reads a word once.
func (c *crowd) load(s seam.Site, w *atomic.Uint64) protocol.Word {
	if seam.On {
		seam.At(s, unsafe.Pointer(w))
	}
	return protocol.Word(w.Load())
}

// swap changes a word if it is still what it was.
func (c *crowd) swap(s seam.Site, w *atomic.Uint64, from, to protocol.Word) bool {
	if seam.On {
		seam.At(s, unsafe.Pointer(w))
	}
	return w.CompareAndSwap(uint64(from), uint64(to))
}

// further is where a hint says that the tail or the head is at least, if that is further on than pos.
func (c *crowd) further(s seam.Site, hint *atomic.Uint64, pos uint64) uint64 {
	if seam.On {
		seam.At(s, unsafe.Pointer(hint))
	}
	if h := hint.Load(); int64(h-pos) > 0 {
		return h
	}
	return pos
}

// passed moves the hint after a frame from pos to behind was claimed, or taken: not for each frame, which would have all participants
// write to one line, but where the frame ends in another block of granules than it begins in. If that is never done, because
// whoever should have was killed, others have more to walk, and that is all.
func (c *crowd) passed(s seam.Site, hint *atomic.Uint64, pos, behind uint64) {
	if (pos^behind)&^c.block == 0 {
		return
	}
	if seam.On {
		seam.At(s, unsafe.Pointer(hint))
	}
	if h := hint.Load(); int64(behind-h) > 0 {
		hint.CompareAndSwap(h, behind)
	}
	if c.mem.Fenced && c.mem.Unfence != nil {
		c.mem.Fenced = !c.mem.Unfence()
	}
}

// stamp makes the granules of a frame free for the next lap, but for the first: from the last to the second. The first one holds the
// place, so a store that whoever sees the first one free sees too is enough.
func (c *crowd) stamp(s seam.Site, index uint64, span uint64, lap uint32) {
	for i := span - 1; i > 0; i-- {
		w := c.word(index + i)
		if seam.On {
			seam.At(s, unsafe.Pointer(w))
		}
		storeRelease(w, uint64(protocol.FreeWord(lap+1)))
	}
}

// give stores a word that is ours: nobody else changes it until then, so a store is enough.
func (c *crowd) give(s seam.Site, w *atomic.Uint64, to protocol.Word) {
	if seam.On {
		seam.At(s, unsafe.Pointer(w))
	}
	if c.mem.Fenced {
		w.Store(uint64(to))
	} else {
		storeRelease(w, uint64(to))
	}
}

// isFrame reports whether a word that was read at an index is that of a committed frame, and sound.
func (c *crowd) isFrame(w protocol.Word, index uint64) bool {
	return w.IsMessage() && w.Span()-1 <= c.mask-index
}

// sound checks a word that was read at an index: by the short way, if it is that of a committed frame.
func (c *crowd) sound(w protocol.Word, index uint64) bool {
	if c.isFrame(w, index) {
		return true
	}
	if err := protocol.CheckWord(w, index, c.mask+1, c.slots); err != nil {
		c.broken(err)
		return false
	}
	return true
}

// Count adds one to a counter of this participant's, for tools; index is a protocol.Slot constant.
func (c *crowd) Count(index uint64) { count(c.counters, index) }

// countRecovery adds one to a counter that all share; index is a protocol.Recovery constant.
func (c *crowd) countRecovery(index uint64) {
	atomicAt(unsafe.Pointer(unsafe.SliceData(c.mem.Control)), protocol.OffMPMCRecovery+8*index).Add(1)
}

// Slot is this participant's number in the ring.
func (c *crowd) Slot() uint8 { return c.slot }

// MaxMessage is the ring's message limit, in bytes of payload.
func (c *crowd) MaxMessage() int { return int(c.maxMessage) }
