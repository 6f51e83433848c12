package ring

import (
	"sync/atomic"

	"shmpipe/protocol"
)

// hand is the frame in hand.
type hand struct {
	state  handState
	index  uint64 // of its first granule
	word   protocol.Word
	frame  uint64 // its offset in the data
	header uint64 // of the message
	at     uint64 // offset of that header in the data
	end    uint64 // likewise, of the end of a batch's content
	place  *atomic.Uint64
}

// handState says what is in hand: nothing if it is 0, and handHeld alone for the usual message, which is alone in its frame and was seen
// by nobody else.
type handState uint8

const (
	handHeld   handState = 1 << iota
	handAgain            // the message was put back: deliver it once more
	handFresh            // the message has not been delivered
	handOrphan           // another consumer may have seen it
	handDrop             // the first message is to be dropped
	handBatch            // the frame carries several messages
)

func (h *hand) is(s handState) bool { return h.state&s != 0 }
