package check

import (
	"fmt"

	"shmpipe/protocol"
)

// frames walks the frames from the cursor to the tail.
func (w *walk) frames(ring int, r *protocol.Ring, s snapshot) {
	padded := false // the frame before was padding
	for pos := s.cursor; pos < s.tail && !w.done; {
		index := pos & (r.Capacity - 1)
		word := w.at(r.Data + index)
		size, why := frame(r, word, pos, s.tail, padded)
		if why == "" {
			padded = protocol.IsPadding(word)
			pos += size
			continue
		}
		// The consumer may have finished the frame, and the producer overwritten it, before the word was read.
		if now := w.at(r.Control+protocol.OffCursor) &^ protocol.CursorInHand; now > pos {
			pos, padded = now, false
			continue
		}
		w.broken(ring, r.Data+index, "frame at position %d: %s", pos, why)
		return
	}
}

// frame checks a frame's header word. It returns the frame's size in bytes, or why the word is a breach.
func frame(r *protocol.Ring, word, pos, tail uint64, padded bool) (size uint64, why string) {
	rest := r.Capacity - pos&(r.Capacity-1) // before the end of the data
	n := protocol.FrameLength(word)
	if protocol.IsPadding(word) {
		switch {
		case padded:
			return 0, "padding follows padding, want a message"
		case n+protocol.FrameHeaderSize != rest:
			return 0, fmt.Sprintf("padding of %d bytes, want %d: what is left before the end of the data", n, rest-protocol.FrameHeaderSize)
		case tail-pos < rest:
			return 0, fmt.Sprintf("padding of %d bytes reaches behind the tail, %d", n, tail)
		}
		return rest, ""
	}
	if err := protocol.CheckFrame(word, pos, min(tail-pos, rest), r.MaxMessage); err != nil {
		return 0, err.Error()
	}
	return protocol.FrameSize(n), ""
}
