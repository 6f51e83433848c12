package shmpipe

import (
	"time"

	"shmpipe/protocol"
)

// stats sums the counters of all participants.
func (c *crew) stats() Stats {
	at := func(offset uint64) uint64 { return atomicWord(c.mem.Control, offset).Load() }
	sum := func(index uint64) (n uint64) {
		for slot := range uint64(c.geo.Participants) {
			n += at(protocol.OffMPMCSlots + slot*protocol.MPMCSlotSize + 8*index)
		}
		return n
	}
	recovery := func(index uint64) uint64 { return at(protocol.OffMPMCRecovery + 8*index) }
	backlog := uint64(0)
	for i := range c.geo.Granules() {
		backlog += c.word(i).Span()
	}
	return Stats{
		Received:        sum(protocol.SlotReceived),
		ReceivedBytes:   sum(protocol.SlotReceivedBytes),
		Sent:            sum(protocol.SlotSent),
		SentBytes:       sum(protocol.SlotSentBytes),
		Backlog:         min(backlog*uint64(c.geo.Granule), c.geo.Capacity),
		Capacity:        c.geo.Capacity,
		Redelivered:     sum(protocol.SlotRedelivered),
		Dropped:         recovery(protocol.RecoveryDropped),
		Aborted:         sum(protocol.SlotAborts),
		ProducerWaits:   sum(protocol.SlotProducer + protocol.CounterWaits),
		ProducerParks:   sum(protocol.SlotProducer + protocol.CounterParks),
		ProducerWakes:   sum(protocol.SlotProducer + protocol.CounterWakes),
		ConsumerWaits:   sum(protocol.SlotConsumer + protocol.CounterWaits),
		ConsumerParks:   sum(protocol.SlotConsumer + protocol.CounterParks),
		ConsumerWakes:   sum(protocol.SlotConsumer + protocol.CounterWakes),
		Reaped:          recovery(protocol.RecoveryReaped),
		Abandoned:       recovery(protocol.RecoveryAbandoned),
		Recovered:       recovery(protocol.RecoveryOrphaned),
		RecoveryTime:    time.Duration(recovery(protocol.RecoveryNanos)),
		RecoveryLongest: time.Duration(recovery(protocol.RecoveryLongest)),
		Poisoned:        at(protocol.OffPoison)&0xffffffff != 0,
	}
}

// word is the word of the granule at a position or index.
func (c *crew) word(pos uint64) protocol.Word {
	at := protocol.WordsOffset(c.geo.Participants) + 8*c.geo.WordIndex(pos%c.geo.Granules())
	return protocol.Word(atomicWord(c.mem.Control, at).Load())
}

// drained reports whether the ring has been read to its end: nothing is behind the head, and nobody has anything in hand. A ring that
// producers closed before any consumer came has not: its end of stream is still to be read.
func (c *crew) drained() bool {
	for i := range c.geo.Granules() {
		if s := c.word(i).State(); s != protocol.WordFree && s != protocol.WordAbandoned {
			return false
		}
	}
	v := c.look(&view{})
	return v.producers.came == 0 || v.consumers.came > 0
}
