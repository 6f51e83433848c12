package protocol

import "structs"

// An MPMC ring is a row of granules, and a position counts granules since the ring was made: lap and index in one number. A
// frame is a run of granules, contiguous, so the last one before the end of the data may be padding. For each granule there is
// one 64-bit word, outside of the data, that says all there is to know about it:
//
//	 63                        32 31                 12 11       4 3     0
//	+----------------------------+---------------------+----------+-------+
//	|            lap             |  span, in granules  |  owner   | state |
//	+----------------------------+---------------------+----------+-------+
//
// Only the word of a frame's first granule carries the frame; the others stay free while it lives. The zero word is free for
// lap zero, so memory that nobody wrote is an empty ring.
//
// See docs/protocol.md for who may change a word and to what.
type Word uint64

// States of a word.
const (
	WordFree      = 0 // may be claimed for its lap
	WordClaimed   = 1 // its owner is writing
	WordCommitted = 2 // a message, or several, to be read
	WordAbandoned = 3 // to be skipped: padding, an aborted claim, or that of a participant that died
	WordTaken     = 4 // its owner is reading
	WordSkipping  = 5 // its owner is giving it back unread
	WordOrphan    = 6 // was taken by a consumer that died (owner 0) or left (owner 1, or 2 if unseen); to be taken again
)

const (
	wordOwnerShift = 4
	wordSpanShift  = 12
	wordLapShift   = 32

	// MaxSpan is the longest frame, in granules.
	MaxSpan = 1<<(wordLapShift-wordSpanShift) - 1
	// MaxMPMCParticipants is how many can take part in one MPMC ring.
	MaxMPMCParticipants = 255
	// DefaultMPMCParticipants is how many can, unless the creator says otherwise.
	DefaultMPMCParticipants = 64
)

// FreeWord is the word of a granule that may be claimed for a lap.
func FreeWord(lap uint32) Word { return Word(lap) << wordLapShift }

// NewWord packs a word. Owner is 0 in states that have none.
func NewWord(lap uint32, span uint64, owner uint8, state uint8) Word {
	return Word(lap)<<wordLapShift | Word(span)<<wordSpanShift | Word(owner)<<wordOwnerShift | Word(state)
}

// Lap is the lap that the word is about, modulo 2^32.
func (w Word) Lap() uint32 { return uint32(w >> wordLapShift) }

// Span is the length of the frame, in granules; 0 if the word is free.
func (w Word) Span() uint64 { return uint64(w>>wordSpanShift) & MaxSpan }

// Owner is the participant, counted from the ring's first, who is writing or reading.
func (w Word) Owner() uint8 { return uint8(w >> wordOwnerShift) }

// State is one of the Word constants, or a value that breaks the protocol.
func (w Word) State() uint8 { return uint8(w) & (1<<wordOwnerShift - 1) }

// Owned reports whether the word belongs to its owner.
func (w Word) Owned() bool {
	s := w.State()
	return s == WordClaimed || s == WordTaken || s == WordSkipping
}

// IsMessage reports whether the word is that of a committed frame, and sound but for its span.
func (w Word) IsMessage() bool { return w&(1<<wordSpanShift-1) == WordCommitted }

// With is the word with another owner and state: the same frame.
func (w Word) With(owner uint8, state uint8) Word {
	const low = 1<<wordSpanShift - 1
	return w&^low | Word(owner)<<wordOwnerShift | Word(state)
}

// CheckWord explains why a word is a breach of the protocol: one that was read at an index of a ring with that many granules and
// participants. It returns nil if the word is sound.
func CheckWord(w Word, index, granules uint64, participants uint32) error {
	s := w.State()
	switch {
	case s > WordOrphan:
		return &CorruptError{Field: "state of a granule", Offset: index, Got: uint64(s), Want: "0 to 6"}
	case s == WordFree:
		if w != FreeWord(w.Lap()) {
			return &CorruptError{Field: "word of a free granule", Offset: index, Got: uint64(w), Want: "no span and no owner"}
		}
	case w.Span() == 0 || w.Span() > granules-index:
		return corruptRange("span of a frame", index, w.Span(), 1, granules-index)
	case w.Owned() && uint32(w.Owner()) >= participants:
		return corruptRange("owner of a frame", index, uint64(w.Owner()), 0, uint64(participants)-1)
	case !w.Owned() && w.Owner() > 2*uint8(s/WordOrphan): // 1 and 2 only in an orphan
		return &CorruptError{Field: "owner of a frame that has none", Offset: index, Got: uint64(w.Owner()), Want: "0"}
	}
	return nil
}

// Offsets in the control block of an MPMC ring, in bytes from its start. The gates and the poison word are where SPSC has them.
const (
	OffMPMCTail      = 0x000  // u64, granules: a hint where the next claim is; never beyond it
	OffMPMCHead      = 0x080  // u64, granules: a hint where the next frame to take is; never beyond it
	OffMPMCOrphans   = 0x100  // u64: grows after a frame became an orphan
	OffMPMCMembers   = 0x108  // u64: grows after somebody attached, left or was found dead
	OffMPMCDisplaced = 0x110  // u64 each, of a role: see DisplacedOffset
	OffMPMCRecovery  = 0x280  // u64 each, see the Recovery constants; for people
	OffMPMCSlots     = 0x1000 // MPMCSlotSize for each participant: its counters
	MPMCSlotSize     = 128
)

// Indexes of the counters at OffMPMCRecovery, in units of 8 bytes.
const (
	RecoveryReaped    = 0 // participants that were found dead
	RecoveryAbandoned = 1 // claims of theirs
	RecoveryOrphaned  = 2 // messages, or batches, that they had in hand and that are delivered again
	RecoveryDropped   = 3 // likewise, but dropped, by the segment's policy
	RecoveryNanos     = 4 // time that recoveries took, nanoseconds
	RecoveryLongest   = 5 // the longest of them
)

// Indexes of a participant's counters, in units of 8 bytes. Whoever has the entry adds to them; they are never reset.
const (
	SlotSent          = 0 // messages
	SlotSentBytes     = 1 // payload bytes
	SlotReceived      = 2 // messages finished
	SlotReceivedBytes = 3
	SlotProducer      = 4  // from here, CounterWaits, CounterParks and CounterWakes as a producer
	SlotConsumer      = 7  // and as a consumer
	SlotAborts        = 10 // claims aborted
	SlotRedelivered   = 11 // messages delivered again
	slotCounters      = 12
)

// DisplacedOffset is the offset, in the control block of an MPMC ring, of the word that tells of deaths in a role, RoleProducer or
// RoleConsumer, of which no entry tells any more, because one of the other role took it: 1 more than how many of the role had come by
// then, or 0. It only grows. One of the role that comes later is the successor of them all.
func DisplacedOffset(r Role) uint64 { return OffMPMCDisplaced + 8*uint64(r-RoleProducer) }

// Bounds on the granule of an MPMC ring, in bytes; it is a power of two.
const (
	MinGranule = 64
	MaxGranule = 4096
	// MinGranules is the fewest granules of a ring.
	MinGranules = 16
)

// WordsOffset is the offset in the control block of an MPMC ring's words.
func WordsOffset(participants uint32) uint64 {
	return pageAlign(OffMPMCSlots + uint64(participants)*MPMCSlotSize)
}

// MPMCControlSize is the size of an MPMC ring's control block in bytes.
func MPMCControlSize(participants uint32, granules uint64) uint64 {
	return WordsOffset(participants) + pageAlign(8*granules)
}

// MPMCMaxPayload is the largest payload an MPMC ring can carry: as with SPSC, a frame and the padding before it must fit at once.
func MPMCMaxPayload(capacity, granule uint64) uint64 {
	return min(capacity/2, MaxSpan*granule, 1<<32-1-granule) - FrameHeaderSize
}

// BatchHeaderSize is what comes before the messages of a batch: a frame header with the flag FrameBatch, whose length is that of all
// that follows this, and a word of progress, written by the consumer that has the frame in hand: how many bytes of what follows
// are finished.
const BatchHeaderSize = FrameHeaderSize + 8

type mpmcControlLayout struct {
	_         structs.HostLayout
	Tail      uint64
	_         [Line - 8]byte
	Head      uint64
	_         [Line - 8]byte
	Orphans   uint64
	Members   uint64
	Displaced [2]uint64
	_         [Line - 32]byte
	DataGate  gateLayout
	_         [Line - 8]byte
	SpaceGate gateLayout
	_         [Line - 8]byte
	Recovery  [8]uint64
	_         [2*Line - 64]byte
	Poison    uint32
	_         [OffMPMCSlots - OffPoison - 4]byte
}
