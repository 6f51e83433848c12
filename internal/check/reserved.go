package check

import "shmpipe/protocol"

// span is a range of offsets.
type span struct{ from, to uint64 }

// controlUsed are the parts of an SPSC ring's control block that mean something; the rest is zero. In the order of their offsets.
var controlUsed = [...]span{
	{protocol.OffTail, protocol.OffSentBytes + 8},
	{protocol.OffHead, protocol.OffHead + 8},
	{protocol.OffCursor, protocol.OffReceivedBytes + 8},
	{protocol.OffDataGate, protocol.OffDataGate + protocol.OffGateSequence + 4},
	{protocol.OffSpaceGate, protocol.OffSpaceGate + protocol.OffGateSequence + 4},
	{protocol.OffProducerCounters, protocol.OffProducerCounters + 8*protocol.CounterCount},
	{protocol.OffConsumerCounters, protocol.OffConsumerCounters + 8*protocol.CounterCount},
	{protocol.OffPoison, protocol.OffPoison + 4},
}

// crowdUsed are those of an MPMC ring's, up to the counters of the participants.
var crowdUsed = [...]span{
	{protocol.OffMPMCTail, protocol.OffMPMCTail + 8},
	{protocol.OffMPMCHead, protocol.OffMPMCHead + 8},
	{protocol.OffMPMCOrphans, protocol.DisplacedOffset(protocol.RoleConsumer) + 8},
	{protocol.OffDataGate, protocol.OffDataGate + protocol.OffGateSequence + 4},
	{protocol.OffSpaceGate, protocol.OffSpaceGate + protocol.OffGateSequence + 4},
	{protocol.OffMPMCRecovery, protocol.OffMPMCRecovery + 8*(protocol.RecoveryLongest+1)},
	{protocol.OffPoison, protocol.OffPoison + 4},
}

// slotUsed is the end of what means something in a participant's counters.
const slotUsed = 8 * (protocol.SlotRedelivered + 1)

// participantUsed is the end of what means something in a participant's entry.
const participantUsed = protocol.OffCommand + 16

// ringEntryUsed is the end of what means something in a ring's entry of the ring table.
func ringEntryUsed(m protocol.Mode) uint64 {
	if m == protocol.MPMC {
		return protocol.OffRingWordShift + 4
	}
	return protocol.OffRingParticipants + 4
}

// mayUseReserved reports whether the segment was made by a later minor version, or has features, that may use what is reserved here.
func (w *walk) mayUseReserved() bool {
	h := w.header
	return h.VersionMinor > protocol.VersionMinor || h.Compatible&^protocol.KnownCompatible != 0 ||
		h.ReadOnlyCompatible&^protocol.KnownReadOnlyCompatible != 0
}

// headerReserved checks what is reserved in the header, in the tables, and between them and the first ring.
func (w *walk) headerReserved() {
	if w.mayUseReserved() {
		return
	}
	h := w.header
	w.zero(Segmentwide, protocol.OffReserved, protocol.HeaderChecked)
	w.zero(Segmentwide, protocol.OffState+4, protocol.HeaderSize)
	for i := range h.Rings {
		at := uint64(protocol.HeaderSize + i*protocol.RingEntrySize)
		w.zero(i, at+ringEntryUsed(h.Rings[i].Mode), at+protocol.RingEntrySize)
	}
	for i := range h.ParticipantCount {
		at := h.ParticipantOffset(i)
		w.zero(Segmentwide, at+participantUsed, at+protocol.ParticipantEntrySize)
	}
	w.zero(Segmentwide, h.ParticipantOffset(h.ParticipantCount), h.Rings[0].Control)
}

func (w *walk) controlReserved(ring int, r *protocol.Ring) {
	if w.mayUseReserved() {
		return
	}
	if r.Mode == protocol.MPMC {
		w.zeroBetween(ring, r.Control, crowdUsed[:], protocol.OffMPMCSlots)
		for i := range uint64(r.Participants) {
			at := r.Control + protocol.OffMPMCSlots + i*protocol.MPMCSlotSize
			w.zero(ring, at+slotUsed, at+protocol.MPMCSlotSize)
		}
		words := r.Control + protocol.WordsOffset(r.Participants)
		w.zero(ring, r.Control+protocol.OffMPMCSlots+uint64(r.Participants)*protocol.MPMCSlotSize, words)
		w.zero(ring, words+8*r.Granules(), r.Control+r.ControlSize)
		return
	}
	w.zeroBetween(ring, r.Control, controlUsed[:], r.ControlSize)
}

// zeroBetween checks what lies between the used spans of a block of so many bytes.
func (w *walk) zeroBetween(ring int, at uint64, used []span, size uint64) {
	from := uint64(0)
	for _, u := range used {
		w.zero(ring, at+from, at+u.from)
		from = u.to
	}
	w.zero(ring, at+from, at+size)
}

// zero reports the first byte from one offset to another that is not zero. Both are multiples of 4.
func (w *walk) zero(ring int, from, to uint64) {
	for at := from; at < to; at += 4 {
		if v := w.half(at); v != 0 {
			w.broken(ring, at, "reserved bytes are %#x, want 0", v)
			return
		}
	}
}
