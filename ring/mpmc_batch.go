package ring

import (
	"shmpipe/internal/seam"
	"shmpipe/protocol"
)

// batchBytes bounds a batch: what is more than that is sent as several, so that consumers share the work and a producer does not need
// much free space at once.
const batchBytes = 16 << 10

// SendBatch sends as many of the messages as fit into one frame: one claim, one commit, and one consumer gets them all. It
// returns how many, at least one, and Done; or 0, and Full, TooLarge or Broken. It goes by what fits now: if not all of a
// batch do, half of it.
func (p *MPMCProducer) SendBatch(msgs [][]byte, typ uint16) (int, Outcome) {
	limit := min(batchBytes, uint64(len(p.mem.Data))/4)
	count, content := 0, uint64(0)
	for _, msg := range msgs {
		n := uint64(len(msg))
		if n > p.maxMessage || protocol.BatchHeaderSize+content+protocol.FrameSize(n) > limit {
			break
		}
		count++
		content += protocol.FrameSize(n)
	}
	for fits := count; count > 1; count /= 2 {
		if count < fits {
			content = 0
			for _, msg := range msgs[:count] {
				content += protocol.FrameSize(uint64(len(msg)))
			}
		}
		span := p.spanOf(protocol.BatchHeaderSize + content)
		pos, o := p.reserve(span)
		if o == Full {
			continue
		}
		if o != Done {
			return 0, o
		}
		return count, p.writeBatch(pos, span, msgs[:count], content, typ)
	}
	if len(msgs) == 0 {
		return 0, Done
	}
	if o := p.Send(msgs[0], typ); o != Done {
		return 0, o
	}
	return 1, Done
}

// writeBatch writes the messages of a batch into its frame and commits it.
func (p *MPMCProducer) writeBatch(pos, span uint64, msgs [][]byte, content uint64, typ uint16) Outcome {
	frame := addrAt(p.data, p.at(pos))
	if seam.On {
		seam.At(seam.ClaimPayload, frame)
	}
	*wordAt(frame, 0) = protocol.FrameHeader(uint32(content), 0, protocol.FrameBatch)
	*wordAt(frame, protocol.FrameHeaderSize) = 0
	p.fetchNext(pos+span, span, content)
	at, bytes := uint64(protocol.BatchHeaderSize), uint64(0)
	for _, msg := range msgs {
		n := uint64(len(msg))
		if isBulk(n) {
			p.writeBulk(addrAt(frame, at), msg, typ)
		} else {
			p.write(addrAt(frame, at), msg, typ)
		}
		at += protocol.FrameSize(n)
		bytes += n
	}
	return p.commit(pos, span, uint64(len(msgs)), bytes)
}
