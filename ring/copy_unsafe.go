package ring

import (
	"unsafe"

	"shmpipe/protocol"
)

// put copies a message to its place behind the header of its frame. The usual copy is a call of some nanoseconds, as long as all
// the rest of sending a small message, so a message of one word, which is what counters, handles and timestamps are, is
// copied as one.
func put(frame addr, msg []byte) {
	if len(msg) == 8 {
		*(*[8]byte)(unsafe.Add(frame, protocol.FrameHeaderSize)) = [8]byte(msg)
		return
	}
	// Through a slice of the whole frame: what is behind the header of an empty message may lie outside the data.
	copy(unsafe.Slice((*byte)(frame), protocol.FrameHeaderSize+len(msg))[protocol.FrameHeaderSize:], msg)
}
