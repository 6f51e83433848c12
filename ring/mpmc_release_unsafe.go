package ring

import (
	"sync/atomic"
	"unsafe"

	"shmpipe/internal/seam"
	"shmpipe/protocol"
)

// finishWhole is finish for the usual message, which is alone in its frame and was seen by nobody else.
func (c *MPMCConsumer) finishWhole() {
	c.countReceived()
	c.giveBack()
}

// giveBack gives the frame in hand back.
func (c *MPMCConsumer) giveBack() {
	place, index, w := c.hand.place, c.hand.index, c.hand.word
	c.hand.state = 0
	if seam.On {
		c.hand = hand{} // what is left there does not matter, but the explorer cannot know
	}
	c.release(place, index, w)
}

// countReceived counts the message in hand and returns its length.
func (c *MPMCConsumer) countReceived() uint64 {
	n, counters := protocol.FrameLength(c.hand.header), c.counters
	c.received += protocol.FrameSize(n)
	addOwned(wordAt(counters, 8*protocol.SlotReceived), 1)
	addOwned(wordAt(counters, 8*protocol.SlotReceivedBytes), n)
	return n
}

// finish finishes the message in hand. It reports whether the frame, a batch, has more of them.
func (c *MPMCConsumer) finish() (more bool) {
	c.countReceived()
	if c.hand.is(handOrphan) {
		c.Count(protocol.SlotRedelivered)
	}
	return c.advance()
}

// drop is finish for a message that is not delivered.
func (c *MPMCConsumer) drop() (more bool) {
	c.countRecovery(protocol.RecoveryDropped)
	return c.advance()
}

// advance goes on to the next message of a batch, or gives the frame back.
func (c *MPMCConsumer) advance() (more bool) {
	if c.hand.is(handBatch) {
		c.noteProgress(protocol.FrameLength(c.hand.header))
		if c.hand.at < c.hand.end {
			c.hand.state &^= handOrphan // the dead one had the message before in hand, no other
			return true
		}
	}
	c.giveBack()
	return false
}

// noteProgress notes that the message of a batch in hand, of n bytes, is finished.
func (c *MPMCConsumer) noteProgress(n uint64) {
	c.hand.at += protocol.FrameSize(n)
	progress := wordAt(c.data, c.hand.frame+protocol.FrameHeaderSize)
	if seam.On {
		seam.At(seam.TakeProgress, unsafe.Pointer(progress))
	}
	// Only who has the frame in hand writes here, and reads it: after this consumer's death, its successor.
	storeOwned(progress, c.hand.at-c.hand.frame-protocol.BatchHeaderSize)
}

// release gives a frame back, and wakes who sleeps for space. The first granule's word goes last: while that is held, nobody can claim
// past it, so the payload stays whole for a successor if we die on the way.
func (c *MPMCConsumer) release(word *atomic.Uint64, index uint64, w protocol.Word) {
	if w.Span() > 1 {
		c.stamp(seam.ReleaseInner, index, w.Span(), w.Lap())
	}
	c.give(seam.ReleaseWord, word, protocol.FreeWord(w.Lap()+1))
	if c.sleepers.Load() != 0 {
		c.freed()
	}
}
