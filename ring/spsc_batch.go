package ring

import (
	"sync/atomic"

	"shmpipe/protocol"
)

// publishStep is how many bytes a batch writes before it publishes what it has: to keep more from the consumer would not save stores
// worth counting, and push the first messages out of the near caches before they are read.
const publishStep = 16 << 10

// PutAll puts messages until one does not fit, and publishes large batches in steps; the caller publishes the rest. It returns
// how many, and Done or why it stopped, as Put.
func (p *Producer) PutAll(msgs [][]byte, typ uint16) (int, Outcome) {
	published := p.tail
	for i, msg := range msgs {
		n := uint64(len(msg))
		frame := protocol.FrameSize(n)
		if n > p.direct || p.tail+frame > p.edge {
			if o := p.Put(msg, typ); o != Done {
				return i, o
			}
		} else {
			p.write(msg, typ)
			p.tail += frame
			p.put++
			p.putBytes += n
		}
		if p.tail-published >= publishStep {
			p.Publish()
			published = p.tail
		}
	}
	return len(msgs), Done
}

// Each delivers the frame in hand and those behind it that are there, in place, up to limit, by calling visit. It returns how many
// were finished, and Done, Empty or Broken; or the error of visit, and then the frame that visit was given is put back. Also if visit
// panics, it is put back, and all credit is returned. It stops early once stop is set. The slice is valid until visit returns.
func (c *Consumer) Each(payload []byte, limit int, stop *atomic.Bool, visit func([]byte) error) (n int, o Outcome, err error) {
	visited := false
	defer func() { // also if visit panics
		if !visited {
			c.Return()
		}
		c.Release()
		c.Rest()
	}()
	for {
		if err := visit(payload); err != nil {
			return n, Done, err
		}
		visited = true
		if n++; n >= limit || stop.Load() {
			return n, Done, nil
		}
		if pos := c.next; pos != c.edge && pos-c.credited < c.creditStep { // Next without the call, where it does nothing else
			word := *wordAt(c.data, pos&c.mask)
			if end := pos + protocol.FrameSize(protocol.FrameLength(word)); c.isMessage(word, end) {
				c.finish()
				payload, visited = c.deliver(pos, word, end), false
				continue
			}
		}
		if payload, _, o = c.Next(); o != Done {
			return n, o, nil
		}
		visited = false
	}
}
