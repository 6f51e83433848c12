package ring

import (
	"fmt"
	"sync/atomic"

	"shmpipe/protocol"
)

// Outcome of a step. The steps return it instead of an error, so that the paths that run for each message allocate nothing.
type Outcome uint8

// Outcomes.
const (
	Done     Outcome = iota
	Full             // no space for the message now
	Empty            // no message now
	TooLarge         // longer than the ring's message limit; it never fits
	Broken           // the ring breaks the protocol; Err says how
)

func (o Outcome) String() string {
	return [...]string{"done", "full", "empty", "too large", "broken"}[o]
}

// breach remembers why a ring is broken and tells the other side.
type breach struct {
	poison *atomic.Uint32
	err    error
}

// Err says what broke the protocol, as a [*protocol.CorruptError], after a step returned [Broken]. It is nil before.
func (b *breach) Err() error { return b.err }

// broken records the first breach and marks the ring, so that the other side stops too.
func (b *breach) broken(err error) Outcome {
	if b.err == nil {
		b.err = err
		b.poison.Store(1)
	}
	return Broken
}

// poisoned reports whether the ring is broken, and notices that somebody else marked it. Once it is broken, it stays so for us,
// whatever the other side repairs.
func (b *breach) poisoned() bool {
	v := b.poison.Load()
	if v == 0 {
		return b.err != nil
	}
	if b.err == nil {
		b.err = &protocol.CorruptError{Field: "poison word (another participant found the ring broken)", Offset: protocol.OffPoison, Got: uint64(v), Want: "0"}
	}
	return true
}

// maxPosition is beyond what any ring reaches; see protocol. Below it, sums of positions and sizes do not overflow.
const maxPosition = 1<<63 - 1

// checkAttach checks the two positions that both sides start from.
func checkAttach(tail, head, capacity uint64) error {
	if err := checkPosition("tail", protocol.OffTail, tail, 0, maxPosition); err != nil {
		return err
	}
	return checkPosition("head", protocol.OffHead, head, tail-min(tail, capacity), tail)
}

// checkPosition checks a position read from shared memory: aligned, and from low to high.
func checkPosition(field string, offset, got, low, high uint64) error {
	// The subtraction is modular, so the check holds wherever positions stand.
	if got%protocol.FrameAlign == 0 && got-low <= high-low {
		return nil
	}
	return &protocol.CorruptError{Field: field, Offset: offset, Got: got, Want: fmt.Sprintf("a multiple of %d from %d to %d", protocol.FrameAlign, low, high)}
}
