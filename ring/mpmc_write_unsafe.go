package ring

import (
	"unsafe"

	"shmpipe/internal/bulk"
	"shmpipe/internal/seam"
	"shmpipe/protocol"
)

// write writes a message with its header.
func (p *MPMCProducer) write(frame addr, msg []byte, typ uint16) {
	if seam.On {
		writeInSteps(frame, msg, typ, p.mem.Granule)
		return
	}
	*wordAt(frame, 0) = protocol.FrameHeader(uint32(len(msg)), typ, 0)
	put(frame, msg)
}

// isBulk says of a message of n bytes whether it is copied in bulk. The explorer wants its steps.
func isBulk(n uint64) bool { return n >= bulk.Least && !seam.On && bulk.Better() }

// writeBulk is write for a message that is copied in bulk.
func (p *MPMCProducer) writeBulk(frame addr, msg []byte, typ uint16) {
	*wordAt(frame, 0) = protocol.FrameHeader(uint32(len(msg)), typ, 0)
	bulk.Copy(bytesAt(frame, protocol.FrameHeaderSize, uint64(len(msg))), msg)
}

// writeInSteps is write under the build tag seam: other participants, and death, can come between any two granules.
func writeInSteps(frame addr, msg []byte, typ uint16, granule uint64) {
	at, n := uint64(protocol.FrameHeaderSize), uint64(len(msg))
	seam.At(seam.ClaimPayload, frame)
	*wordAt(frame, 0) = protocol.FrameHeader(uint32(n), typ, 0)
	for done := uint64(0); done < n; {
		step := min(n-done, granule-at%granule)
		p := unsafe.Add(frame, at)
		seam.At(seam.ClaimPayload, p)
		copy(unsafe.Slice((*byte)(p), step), msg[done:done+step])
		done, at = done+step, at+step
	}
}
