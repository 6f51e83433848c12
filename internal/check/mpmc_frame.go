package check

import (
	"fmt"

	"shmpipe/protocol"
)

// stateNames are the states of a word for people.
var stateNames = [...]string{
	protocol.WordFree: "free", protocol.WordClaimed: "claimed", protocol.WordCommitted: "committed", protocol.WordAbandoned: "abandoned",
	protocol.WordTaken: "taken", protocol.WordSkipping: "being skipped", protocol.WordOrphan: "an orphan",
}

// frame explains what is wrong with the frame at a position; "" if it is sound. The word has been checked by itself. If the word has
// changed when it returns, its answer means nothing.
func (c *crowd) frame(pos int64, w protocol.Word, head, tail int64) string {
	if why := c.place(pos, w, head, tail); why != "" {
		return why
	}
	if why := c.inner(pos, w); why != "" {
		return why
	}
	switch w.State() {
	case protocol.WordCommitted, protocol.WordTaken, protocol.WordOrphan: // what is claimed or abandoned was perhaps never written
		if why := c.content(pos, w); why != "" {
			return why
		}
	}
	if why := c.owner(pos, w); why != "" {
		return why
	}
	c.remember(pos, w)
	return ""
}

// place looks whether the frame's state fits to where tail and head are, and to the frames before it.
func (c *crowd) place(pos int64, w protocol.Word, head, tail int64) string {
	behind, state := pos+int64(w.Span()), stateNames[w.State()]
	switch {
	case pos < 0:
		return fmt.Sprintf("it is %s in a lap before the first", state)
	case behind > tail:
		return fmt.Sprintf("its frame of %d granules reaches behind the tail, %d", w.Span(), tail)
	case pos < head && behind > head:
		return fmt.Sprintf("the head, %d, is inside of its frame of %d granules", head, w.Span())
	case pos < head && isWaiting(w):
		return fmt.Sprintf("its frame is %s, but the head, %d, has passed it: nobody will get it", state, head)
	case !isWaiting(w):
		return c.inOrder(pos, "is "+state)
	}
	return ""
}

// inner looks at the granules of a frame behind its first: free for its lap, or, from some point on, for the next, if whoever had the frame
// in hand has begun to give it back.
func (c *crowd) inner(pos int64, w protocol.Word) string {
	stamped := false
	for i := int64(1); i < int64(w.Span()); i++ {
		switch v := c.word(pos + i); {
		case v == protocol.FreeWord(w.Lap()) && !stamped:
		case v == protocol.FreeWord(w.Lap()+1) && (stamped || w.Owned() || w.State() == protocol.WordOrphan) && w.State() != protocol.WordClaimed:
			stamped = true
		default:
			return fmt.Sprintf("its frame of %d granules is %s, but the word of granule %d, inside of it, is %#x, want %#x: free for lap %d",
				w.Span(), stateNames[w.State()], c.index(pos+i), uint64(v), uint64(protocol.FreeWord(w.Lap())), w.Lap())
		}
	}
	return ""
}

// content looks at the frame's header and, if it is a batch, at those of its messages.
func (c *crowd) content(pos int64, w protocol.Word) string {
	at := c.dataAt(pos)
	header := c.at(at)
	if err := protocol.CheckMPMCFrame(header, uint64(pos), w.Span()*uint64(c.r.Granule), c.r.MaxMessage, true); err != nil {
		return err.Error()
	}
	if !protocol.IsBatch(header) {
		return ""
	}
	n := protocol.FrameLength(header)
	progress := c.at(at + protocol.FrameHeaderSize)
	if w.State() == protocol.WordCommitted && progress != 0 {
		return fmt.Sprintf("progress of a batch that nobody has taken is %d, want 0", progress)
	}
	begins := progress == n // a message begins there, or all are finished
	for done := uint64(0); done < n; {
		begins = begins || done == progress
		word := c.at(at + protocol.BatchHeaderSize + done)
		if err := protocol.CheckMPMCFrame(word, uint64(pos), n-done, c.r.MaxMessage, false); err != nil {
			return fmt.Sprintf("message at byte %d of a batch: %v", done, err)
		}
		done += protocol.FrameSize(protocol.FrameLength(word))
	}
	if !begins {
		return fmt.Sprintf("progress of a batch is %d, want where one of its messages begins, or its length, %d", progress, n)
	}
	return ""
}
