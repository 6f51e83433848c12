package shmpipe

import (
	"fmt"
	"time"

	"shmpipe/protocol"
)

// Stats is a snapshot of a ring's counters. They live in the segment, count since it was made, whoever took part, and are read one by
// one while others change them: each is right, their differences may be off by what happened meanwhile. Where a participant was
// killed between counting and committing, they count what was under way.
type Stats struct {
	Sent, SentBytes         uint64 // messages, and bytes of their payload
	Received, ReceivedBytes uint64 // likewise, finished by the consumer
	Backlog                 uint64 // bytes in the ring that are not finished, frame headers and padding included
	Capacity                uint64 // bytes
	Redelivered             uint64 // messages delivered again after a consumer's death
	Dropped                 uint64 // messages that a consumer had in hand when it died, where the policy is Drop
	Aborted                 uint64 // claims given back

	ProducerWaits, ConsumerWaits uint64 // times a ring was found full, or empty, and a wait began
	ProducerParks, ConsumerParks uint64 // times a wait led to sleep: a system call
	ProducerWakes, ConsumerWakes uint64 // times this side woke the other: a system call

	// MPMC only: what the dead left behind.
	Reaped          uint64        // participants that were found dead
	Abandoned       uint64        // claims of theirs, which were skipped
	Recovered       uint64        // messages or batches that they had in hand, which became another consumer's
	RecoveryTime    time.Duration // that mending took, all in all
	RecoveryLongest time.Duration

	Poisoned bool // somebody found the ring to break the protocol
}

func (s Stats) String() string {
	return fmt.Sprintf("sent %d (%d B), received %d (%d B), backlog %d of %d B, waits %d/%d, parks %d/%d, wakes %d/%d",
		s.Sent, s.SentBytes, s.Received, s.ReceivedBytes, s.Backlog, s.Capacity,
		s.ProducerWaits, s.ConsumerWaits, s.ProducerParks, s.ConsumerParks, s.ProducerWakes, s.ConsumerWakes)
}

// Stats is a snapshot of the first ring's counters; see [Pipe.StatsOf].
func (p *Pipe) Stats() (Stats, error) { return p.StatsOf(0) }

// StatsOf is a snapshot of the counters of ring i. It returns ErrClosed after Close.
func (p *Pipe) StatsOf(i int) (Stats, error) {
	if err := p.acquire(); err != nil {
		return Stats{}, err
	}
	defer p.release()
	if p.queue != nil {
		if err := p.oneRing(i); err != nil {
			return Stats{}, err
		}
		return p.queueStats()
	}
	r, err := p.ring(i)
	if err != nil {
		return Stats{}, err
	}
	if r.Mode == MPMC {
		return p.crewOf(i).stats(), nil
	}
	control := p.seg.Bytes()[r.Control : r.Control+r.ControlSize]
	at := func(offset uint64) uint64 { return atomicWord(control, offset).Load() }
	counter := func(line, index uint64) uint64 { return at(line + 8*index) }
	// What is finished first, what was sent later: so the backlog is not negative, unless the ring is broken.
	cursor := at(protocol.OffCursor) &^ protocol.CursorInHand
	tail := at(protocol.OffTail)
	return Stats{
		Received:      at(protocol.OffReceived),
		ReceivedBytes: at(protocol.OffReceivedBytes),
		Sent:          at(protocol.OffSent),
		SentBytes:     at(protocol.OffSentBytes),
		Backlog:       min(tail-cursor, r.Capacity),
		Capacity:      r.Capacity,
		Redelivered:   counter(protocol.OffConsumerCounters, protocol.CounterRedelivered),
		Dropped:       counter(protocol.OffConsumerCounters, protocol.CounterDropped),
		Aborted:       counter(protocol.OffProducerCounters, protocol.CounterAborts),
		ProducerWaits: counter(protocol.OffProducerCounters, protocol.CounterWaits),
		ProducerParks: counter(protocol.OffProducerCounters, protocol.CounterParks),
		ProducerWakes: counter(protocol.OffProducerCounters, protocol.CounterWakes),
		ConsumerWaits: counter(protocol.OffConsumerCounters, protocol.CounterWaits),
		ConsumerParks: counter(protocol.OffConsumerCounters, protocol.CounterParks),
		ConsumerWakes: counter(protocol.OffConsumerCounters, protocol.CounterWakes),
		Poisoned:      at(protocol.OffPoison)&0xffffffff != 0,
	}, nil
}

// drained reports whether every ring has been read to its end. A ring that a producer closed before any consumer came has not: its
// end of stream is still to be read.
func (p *Pipe) drained() bool {
	mem := p.seg.Bytes()
	for i, r := range p.header.Rings {
		if r.Mode == MPMC {
			if !p.crewOf(i).drained() {
				return false
			}
			continue
		}
		if atomicWord(mem, r.Control+protocol.OffCursor).Load() != atomicWord(mem, r.Control+protocol.OffTail).Load() {
			return false
		}
		producers := protocol.Status(statusWord(p, r.FirstParticipant+protocol.SPSCProducer).Load()).Epoch()
		consumers := protocol.Status(statusWord(p, r.FirstParticipant+protocol.SPSCConsumer).Load()).Epoch()
		if producers > 0 && consumers == 0 {
			return false
		}
	}
	return true
}
