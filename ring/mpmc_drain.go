package ring

import (
	"shmpipe/internal/spin"
	"shmpipe/protocol"
)

// A producer that waits for space and claims each granule as soon as it is free follows at the consumers' heels: it writes to the line of
// words in which they free the next one, and both sides spend their time handing that line over. It is lock step, as gather has it
// at the other end of the ring. But here there is nothing to find out: the ring is full, so nobody gets a message later for it
// that the producer waits until a part of the ring is free.
const (
	drainShare    = 8   // of the ring, that one part
	drainMost     = 512 // granules: more gains nothing
	drainMicros   = 10  // how long to wait at most: for slow consumers there is no lock step
	looksPerMicro = 4   // looks in a microsecond
)

// LetDrain waits, after a claim found the ring full, until consumers have freed a part of it, for some microseconds at most. It promises
// nothing: AwaitRoom says whether there is room.
func (p *MPMCProducer) LetDrain() {
	mark := p.next + min((p.mask+1)/drainShare, drainMost)
	word, lap := p.word(mark), p.lap(mark)
	for range drainMicros * looksPerMicro {
		if int32(protocol.Word(word.Load()).Lap()-lap) >= 0 { // it is free, or in use again
			return
		}
		spin.Pause(p.drainPauses)
	}
}

// drainPauses is how long to pause between two looks of LetDrain.
func drainPauses() uint32 { return uint32(max(1, pausesPerMicrosecond()/looksPerMicro)) }
