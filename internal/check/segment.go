package check

import (
	"fmt"
	"iter"

	"shmpipe/protocol"
)

// Segment walks the bytes of a whole segment and yields what it finds, in the order of offsets as far as one thing depends on the
// other: nothing behind a broken header is looked at, and nothing behind a broken frame of a ring. Held reports whether the lease
// of a participant is held; nil means that nobody can tell. A sound segment yields nothing, or notes only.
func Segment(mem []byte, held func(participant uint32) (bool, error)) iter.Seq[Problem] {
	return func(yield func(Problem) bool) {
		h, err := protocol.Parse(mem, uint64(len(mem)))
		if err != nil {
			yield(badHeader(err))
			return
		}
		w := &walk{words: newWords(mem), header: h, held: held, yield: yield}
		w.state()
		w.headerReserved()
		for i := range h.Rings {
			w.ring(i)
		}
	}
}

// walk is one pass. Its methods do nothing once the caller wants no more.
type walk struct {
	words
	header *protocol.Header
	held   func(uint32) (bool, error)
	yield  func(Problem) bool
	done   bool
}

func (w *walk) report(p Problem) {
	if !w.done {
		w.done = !w.yield(p)
	}
}

// broken reports what only a new segment mends.
func (w *walk) broken(ring int, offset uint64, format string, args ...any) {
	w.report(Problem{Ring: ring, Offset: offset, Text: fmt.Sprintf(format, args...), Advice: fmt.Sprintf(adviseRenew, w.name())})
}

// name is the segment's name as it can be shown: the header's bytes may be anything.
func (w *walk) name() string {
	q := fmt.Sprintf("%q", w.header.Name)
	if inner := q[1 : len(q)-1]; inner == w.header.Name && inner != "" {
		return inner
	}
	return q
}

func (w *walk) state() {
	switch state := w.half(protocol.OffState); state {
	case protocol.StateReady:
	case protocol.StateBuilding:
		w.broken(Segmentwide, protocol.OffState, "state is 0 (building): its creator is not done, or died before it was")
	case protocol.StateRemoved:
		w.report(Problem{Ring: Segmentwide, Offset: protocol.OffState, Text: "state is 2 (removed): nobody attaches any more, those who are attached go on", Note: true})
	default:
		w.broken(Segmentwide, protocol.OffState, "state is %d, want 1 (ready)", state)
	}
}

// ring looks at everything that belongs to one ring.
func (w *walk) ring(i int) {
	if w.done {
		return
	}
	r := &w.header.Rings[i]
	w.controlReserved(i, r)
	if r.Mode == protocol.MPMC {
		c := newCrowd(w, i, r)
		c.participants()
		w.gatesAndPoison(i, r)
		c.look()
		return
	}
	for j := range uint32(protocol.SPSCParticipants) {
		w.participant(i, r.FirstParticipant+j, protocol.Role(j+1))
	}
	w.gatesAndPoison(i, r)
	if p, ok := w.positions(i, r); ok {
		w.frames(i, r, p)
	}
}

// gatesAndPoison looks at the words that rings of both modes have at the same places.
func (w *walk) gatesAndPoison(i int, r *protocol.Ring) {
	w.gates(i, r)
	if poison := w.half(r.Control + protocol.OffPoison); poison != 0 {
		w.broken(i, r.Control+protocol.OffPoison, "poison word is %d, want 0: a participant found the ring to break the protocol, and it is not used further", poison)
	}
}

func (w *walk) gates(i int, r *protocol.Ring) {
	for _, offset := range [...]uint64{protocol.OffDataGate, protocol.OffSpaceGate} {
		at := r.Control + offset + protocol.OffGateWaiting
		if v := w.half(at); v&^(protocol.GateSleeping|protocol.GateStrict) != 0 {
			w.broken(i, at, "gate's waiting word is %d, want 0 to 3", v)
		}
	}
}
