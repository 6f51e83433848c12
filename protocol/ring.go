package protocol

import (
	"encoding/binary"
	"math/bits"
	"structs"
)

// Mode says which algorithm a ring runs.
type Mode uint32

// Modes of a ring.
const (
	SPSC Mode = 1 // one producer, one consumer: a byte ring, see package ring
	MPMC Mode = 2 // many of each: a ring of granules, see Word
)

func (m Mode) String() string {
	switch m {
	case SPSC:
		return "spsc"
	case MPMC:
		return "mpmc"
	}
	return "unknown"
}

// Offsets in a ring's table entry, in bytes from its start. The creator writes it once; the header's checksum covers it.
const (
	OffRingMode             = 0  // u32
	OffRingFlags            = 4  // u32, see the RingFlag constants
	OffRingControl          = 8  // u64, from the start of the segment, page-aligned
	OffRingControlSize      = 16 // u64
	OffRingData             = 24 // u64, from the start of the segment, page-aligned
	OffRingCapacity         = 32 // u64, bytes of data, a power of two
	OffRingMaxMessage       = 40 // u64, bytes of payload
	OffRingFirstParticipant = 48 // u32
	OffRingParticipants     = 52 // u32
	OffRingGranule          = 56 // u32, bytes, a power of two; MPMC only
	OffRingWordShift        = 60 // u32, how the words are placed, see Ring; MPMC only
)

// Flags of a ring.
const (
	RingFlagDrop uint32 = 1 << 0 // what a consumer had in hand when it died is dropped, not delivered again

	knownRingFlags = RingFlagDrop
)

type ringLayout struct {
	_                structs.HostLayout
	Mode             uint32
	Flags            uint32
	Control          uint64
	ControlSize      uint64
	Data             uint64
	Capacity         uint64
	MaxMessage       uint64
	FirstParticipant uint32
	Participants     uint32
	Granule          uint32
	WordShift        uint32
	Reserved         [64]byte
}

// Ring is the checked copy of one entry of the ring table.
type Ring struct {
	Mode             Mode
	Flags            uint32
	Control          uint64 // offset of the control block in the segment, bytes
	ControlSize      uint64 // bytes
	Data             uint64 // offset of the data in the segment, bytes
	Capacity         uint64 // bytes of data, a power of two
	MaxMessage       uint64 // bytes of payload of one message
	FirstParticipant uint32 // index of the ring's first entry in the participant table
	Participants     uint32 // entries; in SPSC two: the producer's, then the consumer's
	Granule          uint32 // bytes, MPMC only

	// WordShift places the words of an MPMC ring: the word of index i is at i rotated to the left by so many bits, as a number of as
	// many bits as an index has. With 0, neighbours lie side by side.
	WordShift uint32
}

// WordIndex is where among the words that of the granule at an index is.
func (r *Ring) WordIndex(index uint64) uint64 {
	n := uint32(bits.Len64(r.Granules()) - 1)
	return (index<<r.WordShift | index>>(n-r.WordShift)) & (r.Granules() - 1)
}

// Granules is the number of granules of an MPMC ring.
func (r *Ring) Granules() uint64 { return r.Capacity / uint64(r.Granule) }

func (r *Ring) encode(b []byte) {
	le := binary.LittleEndian
	clear(b)
	le.PutUint32(b[OffRingMode:], uint32(r.Mode))
	le.PutUint32(b[OffRingFlags:], r.Flags)
	le.PutUint64(b[OffRingControl:], r.Control)
	le.PutUint64(b[OffRingControlSize:], r.ControlSize)
	le.PutUint64(b[OffRingData:], r.Data)
	le.PutUint64(b[OffRingCapacity:], r.Capacity)
	le.PutUint64(b[OffRingMaxMessage:], r.MaxMessage)
	le.PutUint32(b[OffRingFirstParticipant:], r.FirstParticipant)
	le.PutUint32(b[OffRingParticipants:], r.Participants)
	le.PutUint32(b[OffRingGranule:], r.Granule)
	le.PutUint32(b[OffRingWordShift:], r.WordShift)
}

func decodeRing(b []byte) Ring {
	le := binary.LittleEndian
	return Ring{
		Mode:             Mode(le.Uint32(b[OffRingMode:])),
		Flags:            le.Uint32(b[OffRingFlags:]),
		Control:          le.Uint64(b[OffRingControl:]),
		ControlSize:      le.Uint64(b[OffRingControlSize:]),
		Data:             le.Uint64(b[OffRingData:]),
		Capacity:         le.Uint64(b[OffRingCapacity:]),
		MaxMessage:       le.Uint64(b[OffRingMaxMessage:]),
		FirstParticipant: le.Uint32(b[OffRingFirstParticipant:]),
		Participants:     le.Uint32(b[OffRingParticipants:]),
		Granule:          le.Uint32(b[OffRingGranule:]),
		WordShift:        le.Uint32(b[OffRingWordShift:]),
	}
}

// SPSCParticipants is the number of participant entries of an SPSC ring. Entry 0 is the producer's and entry 1 the consumer's,
// always, so the lease on the entry is the role.
const (
	SPSCProducer     = 0
	SPSCConsumer     = 1
	SPSCParticipants = 2
)

// Offsets in the control block of an SPSC ring, in bytes from its start. Words on different lines have different writers.
//
// Positions count bytes since the ring was made. They never wrap in practice (2^63 bytes at 100 GB/s last 2.9 years of
// streaming without pause; see docs/protocol.md), are multiples of FrameAlign, and the byte of position p is at p % capacity.
const (
	OffTail             = 0x000 // u64: the producer has committed everything before it
	OffSent             = 0x008 // u64: messages sent. Same writer and line as the tail.
	OffSentBytes        = 0x010 // u64: payload bytes sent
	OffHead             = 0x080 // u64: credit. The producer may overwrite everything before it.
	OffCursor           = 0x100 // u64: what the consumer has finished, and whether it has the next frame in hand; see CursorInHand
	OffReceived         = 0x108 // u64: messages finished. Same writer and line as the cursor.
	OffReceivedBytes    = 0x110 // u64: payload bytes finished
	OffDataGate         = 0x180 // gate: a consumer sleeps here until there is data; see OffGateWaiting
	OffSpaceGate        = 0x200 // gate: a producer sleeps here until there is space
	OffProducerCounters = 0x280 // u64 each, see the Counter constants; written by the producer
	OffConsumerCounters = 0x300 // u64 each; written by the consumer
	OffPoison           = 0x380 // u32: not zero after somebody found the ring to break the protocol; it is not used further
	ControlSize         = 4096
)

// A gate is two 32-bit words. docs/protocol.md and package futex have the protocol.
const (
	OffGateWaiting  = 0 // u32, see the bits below
	OffGateSequence = 4 // u32: the futex word; incremented by each wake
)

// Bits of a gate's waiting word.
const (
	GateSleeping uint32 = 1 << 0 // somebody sleeps or is about to; whoever wakes clears it
	GateStrict   uint32 = 1 << 1 // for good: who publishes must make the fence itself
)

// Indexes of the counters at OffProducerCounters and OffConsumerCounters, in units of 8 bytes. They are for people and tools;
// nothing depends on them.
const (
	CounterWaits       = 0 // times it found the ring full (producer) or empty (consumer) and began to wait
	CounterParks       = 1 // times it went to sleep in the kernel
	CounterWakes       = 2 // times it woke the other side with a system call
	CounterAborts      = 3 // claims aborted (producer)
	CounterRedelivered = 4 // messages delivered again after a consumer's death (consumer)
	CounterDropped     = 5 // messages dropped after a consumer's death (consumer)
	CounterCount       = 8
)

// CursorInHand is set in the cursor while the consumer has the frame at that position in hand. Frames are aligned, so the bit
// is free. If the consumer dies then, its successor gets that frame again, flagged; without the bit, the frame is new to it.
const CursorInHand uint64 = 1

type controlLayout struct {
	_                structs.HostLayout
	Tail             uint64
	Sent             uint64
	SentBytes        uint64
	_                [Line - 24]byte
	Head             uint64
	_                [Line - 8]byte
	Cursor           uint64
	Received         uint64
	ReceivedBytes    uint64
	_                [Line - 24]byte
	DataGate         gateLayout
	_                [Line - 8]byte
	SpaceGate        gateLayout
	_                [Line - 8]byte
	ProducerCounters [CounterCount]uint64
	_                [Line - 8*CounterCount]byte
	ConsumerCounters [CounterCount]uint64
	_                [Line - 8*CounterCount]byte
	Poison           uint32
	_                [ControlSize - OffPoison - 4]byte
}

type gateLayout struct {
	_        structs.HostLayout
	Waiting  uint32
	Sequence uint32
}
