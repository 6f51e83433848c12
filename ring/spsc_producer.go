package ring

import (
	"sync/atomic"

	"shmpipe/internal/bulk"
	"shmpipe/internal/seam"
	"shmpipe/protocol"
)

// Producer is the sending end of an SPSC ring. It must not be used concurrently, and there is at most one for a ring: the caller
// sees to both.
type Producer struct {
	breach

	// Private state, the truth for this side.
	data       addr
	mask       uint64
	tail       uint64 // position of the next frame
	edge       uint64 // a frame that ends here or before needs no look: end of credit or end of data, whichever is nearer
	maxMessage uint64
	direct     uint64 // the longest message that needs no other treatment: as maxMessage, but what is copied in bulk is longer
	put        uint64 // messages written but not published
	putBytes   uint64 // payload bytes of them
	credit     uint64 // the head as last seen, plus the capacity: we may write up to here
	capacity   uint64

	// Shared words. The first three are on one line, which only this side writes.
	sharedTail      *atomic.Uint64
	sharedSent      *uint64
	sharedSentBytes *uint64
	sharedHead      *atomic.Uint64
	counters        addr

	fenced bool
	claim  claim
	mem    Memory // keeps the slices reachable
}

// claim is space for one message that has been handed out but not committed. Nothing of it is visible to the other side: if the
// process dies, the claim dies with it.
type claim struct {
	held    bool
	padding bool   // a padding frame comes first
	at      uint64 // position of the frame
	length  uint64 // payload bytes asked for
}

// NewProducer attaches to a ring as its producer, where a predecessor left off: all that it committed stays, and what it had
// only claimed is free. The error matches protocol.ErrCorrupt if the ring's words make no sense.
//
// Fenced says that Publish must come before every later load of this processor, until m.Unfence says otherwise; see [Producer.Publish].
func NewProducer(m Memory, fenced bool) (*Producer, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	ctl, capacity := m.control(), uint64(len(m.Data))
	p := &Producer{
		breach:          breach{poison: m.poison()},
		data:            m.data(),
		mask:            capacity - 1,
		capacity:        capacity,
		maxMessage:      m.MaxMessage,
		direct:          m.MaxMessage,
		sharedTail:      atomicAt(ctl, protocol.OffTail),
		sharedSent:      wordAt(ctl, protocol.OffSent),
		sharedSentBytes: wordAt(ctl, protocol.OffSentBytes),
		sharedHead:      atomicAt(ctl, protocol.OffHead),
		counters:        addrAt(ctl, protocol.OffProducerCounters),
		fenced:          fenced,
		mem:             m,
	}
	if bulk.Better() {
		p.direct = min(p.direct, bulk.Least-1)
	}
	if p.poisoned() {
		return nil, p.err
	}
	// The tail first: the consumer may be running, and then the head grows, but never beyond a tail that is already there.
	p.tail = p.sharedTail.Load()
	head := p.sharedHead.Load()
	if err := checkAttach(p.tail, head, capacity); err != nil {
		p.broken(err)
		return nil, err
	}
	p.credit = head + capacity
	p.setEdge()
	return p, nil
}

// Put writes a message behind the tail without publishing it; see [Producer.Publish]. It returns Done, Full, TooLarge or Broken.
func (p *Producer) Put(msg []byte, typ uint16) Outcome {
	n := uint64(len(msg))
	if n > p.maxMessage {
		return TooLarge
	}
	frame := protocol.FrameSize(n)
	if p.tail+frame > p.edge {
		if o := p.makeRoom(frame); o != Done {
			return o
		}
	}
	if n > p.direct {
		p.writeBulk(msg, typ)
	} else {
		p.write(msg, typ)
	}
	p.tail += frame
	p.put++
	p.putBytes += n
	return Done
}

// Send is Put and Publish.
func (p *Producer) Send(msg []byte, typ uint16) Outcome {
	n := uint64(len(msg))
	frame := protocol.FrameSize(n)
	if n > p.direct || p.tail+frame > p.edge {
		return p.sendSlow(msg, typ)
	}
	p.write(msg, typ)
	p.tail += frame
	addOwned(p.sharedSent, 1)
	addOwned(p.sharedSentBytes, n)
	p.Publish()
	return Done
}

// sendSlow sends a message that Send has to look for space for, or that is copied in bulk.
func (p *Producer) sendSlow(msg []byte, typ uint16) Outcome {
	o := p.Put(msg, typ)
	if o == Done {
		p.Publish()
	}
	return o
}

// write writes a frame at the tail, where it fits. It is small enough to be inlined.
func (p *Producer) write(msg []byte, typ uint16) {
	at := p.tail & p.mask
	if seam.On {
		markWord(seam.SendFrame, wordAt(p.data, at))
	}
	*wordAt(p.data, at) = protocol.FrameHeader(uint32(len(msg)), typ, 0)
	put(addrAt(p.data, at), msg)
}

// writeBulk is write for a message that is copied in bulk.
func (p *Producer) writeBulk(msg []byte, typ uint16) {
	at := p.tail & p.mask
	if seam.On {
		markWord(seam.SendFrame, wordAt(p.data, at))
	}
	*wordAt(p.data, at) = protocol.FrameHeader(uint32(len(msg)), typ, 0)
	bulk.Copy(bytesAt(p.data, at+protocol.FrameHeaderSize, uint64(len(msg))), msg)
}

// Publish makes everything written so far visible to the consumer, at once. The caller then looks whether the consumer sleeps.
//
// Unless the Producer is fenced, that look may come before the store: the processor may load while the store is still in its
// buffer. Then a consumer that is about to sleep, and a producer that has just published, could miss each other. So the
// consumer, after it says that it is about to sleep and before its last look, has all processors that run a producer empty
// their store buffers (membarrier). A producer whose processor would not be asked must be fenced.
func (p *Producer) Publish() {
	if p.put != 0 {
		addOwned(p.sharedSent, p.put)
		addOwned(p.sharedSentBytes, p.putBytes)
		p.put, p.putBytes = 0, 0
	}
	if seam.On {
		mark(seam.SendTail, p.sharedTail)
	}
	// T1: pairs with T2 in Consumer.refill. Whoever reads this tail sees the frames before it.
	if p.fenced {
		p.sharedTail.Store(p.tail)
	} else {
		storeRelease(p.sharedTail, p.tail)
	}
}

// makeRoom is called when a frame does not fit before the edge. It looks at the head if the credit is used up, and writes the
// padding if the frame does not fit before the end of the data.
func (p *Producer) makeRoom(frame uint64) Outcome {
	rest := p.capacity - p.tail&p.mask
	padding := frame > rest
	need := frame
	if padding {
		need += rest
	}
	if o := p.reserve(need); o != Done {
		return o
	}
	if padding {
		p.writePadding(rest)
	}
	p.setEdge()
	return Done
}

// reserve makes sure that need bytes from the tail on may be written.
func (p *Producer) reserve(need uint64) Outcome {
	if p.tail+need <= p.credit {
		return Done
	}
	if p.poisoned() {
		return p.stop()
	}
	if p.fenced && p.mem.Unfence != nil {
		p.fenced = !p.mem.Unfence()
	}
	// H2: pairs with H1 in Consumer.returnCredit. The consumer has read all that comes before this head.
	head := p.sharedHead.Load()
	if err := checkPosition("head", protocol.OffHead, head, p.credit-p.capacity, p.tail); err != nil {
		p.broken(err)
		return p.stop()
	}
	p.credit = head + p.capacity
	if p.tail+need > p.credit {
		return Full
	}
	return Done
}

// stop gives up the credit, so that each later step ends up in reserve, which says that the ring is broken.
func (p *Producer) stop() Outcome {
	p.credit = p.tail
	p.setEdge()
	return Broken
}

// writePadding fills the rest of the data. It is shorter than the frame that did not fit, so its length is a 32-bit number too.
func (p *Producer) writePadding(rest uint64) {
	if seam.On {
		markWord(seam.SendPadding, wordAt(p.data, p.tail&p.mask))
	}
	*wordAt(p.data, p.tail&p.mask) = protocol.FrameHeader(uint32(rest-protocol.FrameHeaderSize), 0, protocol.FramePadding)
	p.tail += rest
}

func (p *Producer) setEdge() { p.edge = min(p.credit, p.tail&^p.mask+p.capacity) }

// Claim reserves space for a message of n bytes and returns it, for the caller to write into. It returns Done, Full, TooLarge or
// Broken. The slice is valid until Commit or Abort is next called; after that, it must not be touched. A claim must end
// before the next Put or Claim.
func (p *Producer) Claim(n uint64) ([]byte, Outcome) {
	if n > p.maxMessage {
		return nil, TooLarge
	}
	frame := protocol.FrameSize(n)
	rest := p.capacity - p.tail&p.mask
	c := claim{held: true, at: p.tail, length: n}
	need := frame
	if frame > rest {
		c.padding = true
		c.at += rest
		need += rest
	}
	if o := p.reserve(need); o != Done {
		return nil, o
	}
	p.claim = c
	at := c.at & p.mask
	return bytesAt(p.data, at+protocol.FrameHeaderSize, n), Done
}

// Claimed reports whether a claim is held, and for how many bytes.
func (p *Producer) Claimed() (n uint64, held bool) { return p.claim.length, p.claim.held }

// Commit ends the claim as a message of its first n bytes, to be published with the next Publish. The caller has checked that a
// claim is held and that n is not more than was asked for.
func (p *Producer) Commit(n uint64, typ uint16) {
	if p.claim.padding {
		p.writePadding(p.capacity - p.tail&p.mask)
	}
	*wordAt(p.data, p.tail&p.mask) = protocol.FrameHeader(uint32(n), typ, 0)
	p.tail += protocol.FrameSize(n)
	p.put++
	p.putBytes += n
	p.claim = claim{}
	p.setEdge()
}

// Abort ends the claim as if it had never been.
func (p *Producer) Abort() {
	p.claim = claim{}
	p.Count(protocol.CounterAborts)
}

// Unpublished is the number of bytes written but not yet published.
func (p *Producer) Unpublished() uint64 { return p.tail - p.sharedTail.Load() }

// HasRoom reports whether a message of n bytes fits now. It looks at the head.
func (p *Producer) HasRoom(n uint64) Outcome {
	if n > p.maxMessage {
		return TooLarge
	}
	frame := protocol.FrameSize(n)
	if rest := p.capacity - p.tail&p.mask; frame > rest {
		frame += rest
	}
	return p.reserve(frame)
}

// Drained reports whether the consumer has given back everything that was published, and so has read it.
func (p *Producer) Drained() bool { return p.sharedHead.Load() == p.sharedTail.Load() }

// MaxMessage is the ring's message limit, in bytes of payload.
func (p *Producer) MaxMessage() int { return int(p.maxMessage) }

// Count adds one to a counter of the producer's, for tools; index is a protocol.Counter constant.
func (p *Producer) Count(index uint64) { count(p.counters, index) }
