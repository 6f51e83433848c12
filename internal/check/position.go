package check

import "shmpipe/protocol"

// snapshot is where a ring's two ends stand. The words were read one after the other, in the order of the fields.
type snapshot struct {
	head   uint64
	cursor uint64 // without CursorInHand
	inHand bool
	tail   uint64
	late   uint64 // the head once more, after the tail
}

func (w *walk) snapshot(r *protocol.Ring) snapshot {
	s := snapshot{head: w.at(r.Control + protocol.OffHead)}
	cursor := w.at(r.Control + protocol.OffCursor)
	s.cursor, s.inHand = cursor&^protocol.CursorInHand, cursor&protocol.CursorInHand != 0
	s.tail = w.at(r.Control + protocol.OffTail)
	s.late = w.at(r.Control + protocol.OffHead)
	return s
}

// positions checks head <= cursor <= tail <= head + capacity. All of them only grow, so each comparison is of an older value on
// its smaller side with a newer one on its greater side, and holds on a live ring too. It returns a snapshot whose frames can be
// walked.
func (w *walk) positions(ring int, r *protocol.Ring) (snapshot, bool) {
	const tries = 1000
	var s snapshot
	for range tries {
		s = w.snapshot(r)
		at := r.Control
		for _, p := range [...]struct {
			name   string
			offset uint64
			value  uint64
		}{{"head", protocol.OffHead, s.head}, {"cursor", protocol.OffCursor, s.cursor}, {"tail", protocol.OffTail, s.tail}} {
			if p.value%protocol.FrameAlign != 0 {
				w.broken(ring, at+p.offset, "%s is %d, want a multiple of %d", p.name, p.value, protocol.FrameAlign)
				return s, false
			}
		}
		switch {
		case s.head > s.cursor:
			w.broken(ring, at+protocol.OffCursor, "cursor is %d, want at least the head, %d", s.cursor, s.head)
			return s, false
		case s.cursor > s.tail:
			w.broken(ring, at+protocol.OffTail, "tail is %d, want at least the cursor, %d", s.tail, s.cursor)
			return s, false
		case s.tail > s.late && s.tail-s.late > r.Capacity:
			w.broken(ring, at+protocol.OffTail, "tail is %d, want at most %d more than the head, %d", s.tail, r.Capacity, s.late)
			return s, false
		case s.inHand && s.cursor == s.tail:
			w.broken(ring, at+protocol.OffCursor, "a frame is in hand at %d, where the tail is: there is none", s.cursor)
			return s, false
		}
		if s.tail-s.cursor <= r.Capacity {
			return s, true
		}
		// The cursor was read long before the tail: the ring has moved on by more than its capacity. Look again.
	}
	w.report(Problem{Ring: ring, Offset: r.Control, Text: "its positions moved too fast to be read together; frames were not looked at", Note: true})
	return s, false
}
