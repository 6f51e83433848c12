package ring

import (
	"sync/atomic"

	"shmpipe/internal/seam"
	"shmpipe/internal/spin"
	"shmpipe/protocol"
)

// Consumer is the receiving end of an SPSC ring. It must not be used concurrently, and there is at most one for a ring: the
// caller sees to both.
//
// At most one frame is in hand at a time: the one that Next delivered last. It is finished by Release or by the next Next. If the
// process dies meanwhile, that frame, and no other, is delivered again to the successor, which learns so from Redelivered.
type Consumer struct {
	breach

	// Private state, the truth for this side.
	data       addr
	mask       uint64
	next       uint64 // position behind the frame in hand: where the next frame is
	edge       uint64 // frames end here or before: end of what is known to be committed, or end of data
	maxMessage uint64
	hand       uint64 // position of the frame in hand; next if there is none
	handWord   uint64 // header word of the frame in hand
	credited   uint64 // the head as we last stored it
	creditStep uint64
	tail       uint64 // as last seen
	capacity   uint64
	redeliver  uint64 // position of the frame that a dead predecessor had in hand; noPosition if none

	// Shared words. The first three are on one line, which only this side writes.
	sharedCursor *uint64
	sharedCount  *uint64
	sharedBytes  *uint64
	sharedTail   *atomic.Uint64
	sharedHead   *atomic.Uint64
	counters     addr

	gather   gather
	glanced  uint64 // bytes that the last glance found, if gather was not told
	onCredit func()
	mem      Memory // keeps the slices reachable
}

const noPosition = ^uint64(0) // not aligned, so never a position

// NewConsumer attaches to a ring as its consumer, behind what a predecessor had finished. OnCredit is called after each store of
// the head, so that the caller can wake a producer that waits for space; it must not call back into the Consumer.
// The error matches protocol.ErrCorrupt if the ring's words make no sense.
func NewConsumer(m Memory, onCredit func()) (*Consumer, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	ctl, capacity := m.control(), uint64(len(m.Data))
	c := &Consumer{
		breach:       breach{poison: m.poison()},
		data:         m.data(),
		mask:         capacity - 1,
		capacity:     capacity,
		maxMessage:   m.MaxMessage,
		creditStep:   capacity / 8,
		redeliver:    noPosition,
		sharedCursor: wordAt(ctl, protocol.OffCursor),
		sharedCount:  wordAt(ctl, protocol.OffReceived),
		sharedBytes:  wordAt(ctl, protocol.OffReceivedBytes),
		sharedTail:   atomicAt(ctl, protocol.OffTail),
		sharedHead:   atomicAt(ctl, protocol.OffHead),
		counters:     addrAt(ctl, protocol.OffConsumerCounters),
		gather:       newGather(capacity, pausesPerMicrosecond(), spin.TicksPerMicrosecond()),
		onCredit:     onCredit,
		mem:          m,
	}
	if c.poisoned() {
		return nil, c.err
	}
	head := c.sharedHead.Load()
	cursor := atomicAt(ctl, protocol.OffCursor).Load()
	c.tail = c.sharedTail.Load()
	pos := cursor &^ protocol.CursorInHand
	err := checkAttach(c.tail, head, capacity)
	if err == nil {
		err = checkPosition("cursor", protocol.OffCursor, pos, head, c.tail)
	}
	if err == nil && cursor != pos && pos == c.tail {
		err = &protocol.CorruptError{Field: "cursor (a frame in hand behind the tail)", Offset: protocol.OffCursor, Got: cursor, Want: "a position before the tail"}
	}
	if err != nil {
		c.broken(err)
		return nil, err
	}
	c.hand, c.next, c.credited = pos, pos, head
	c.setEdge()
	switch {
	case cursor == pos:
	case m.Drop:
		if err := c.dropInHand(); err != nil {
			return nil, err
		}
	default:
		c.redeliver = pos
		c.Count(protocol.CounterRedelivered)
	}
	return c, nil
}

// dropInHand skips the frame that a dead predecessor had in hand.
func (c *Consumer) dropInHand() error {
	word := *wordAt(c.data, c.next&c.mask)
	err := protocol.CheckFrame(word, c.next, c.edge-c.next, c.maxMessage)
	if err == nil && !protocol.IsData(word) {
		err = &protocol.CorruptError{Field: "frame flags", Offset: c.next, Got: word, Want: "a message where the cursor says that one is in hand"}
	}
	if err != nil {
		c.broken(err)
		return err
	}
	c.next += protocol.FrameSize(protocol.FrameLength(word))
	c.hand = c.next
	c.setEdge()
	c.storeCursor(c.next)
	c.Count(protocol.CounterDropped)
	return nil
}

// Next finishes the frame in hand and delivers the next one: its payload, in place, and its type. It returns Done, Empty or Broken.
// It looks at the shared tail only when what it knows of is used up. The slice is valid until the next call of Next, Release or
// Return; after that, it must not be touched. The producer's process can still write to it: read each byte once where it
// is not trusted.
func (c *Consumer) Next() ([]byte, uint16, Outcome) {
	if c.hand != c.next {
		c.finish()
	}
	if c.next == c.edge || c.next-c.credited >= c.creditStep {
		if o := c.advance(); o != Done {
			return nil, 0, o
		}
	}
	pos := c.next
	word := *wordAt(c.data, pos&c.mask) // read once; the tail that covers it has been seen (T2)
	n := protocol.FrameLength(word)
	end := pos + protocol.FrameSize(n)
	if !c.isMessage(word, end) {
		var o Outcome
		if word, o = c.unusual(word); o != Done {
			return nil, 0, o
		}
		pos = c.next
		n = protocol.FrameLength(word)
		end = pos + protocol.FrameSize(n)
	}
	return c.deliver(pos, word, end), protocol.FrameType(word), Done
}

// isMessage reports whether a header word is that of a message that ends at end, and sound.
func (c *Consumer) isMessage(word, end uint64) bool {
	return protocol.IsData(word) && end <= c.edge && protocol.FrameLength(word) <= c.maxMessage
}

// deliver takes a frame in hand and returns its payload.
func (c *Consumer) deliver(pos, word, end uint64) []byte {
	c.hand, c.handWord, c.next = pos, word, end
	c.storeCursor(pos | protocol.CursorInHand)
	return bytesAt(c.data, pos&c.mask+protocol.FrameHeaderSize, protocol.FrameLength(word))
}

// Type is the type of the frame that was delivered last.
func (c *Consumer) Type() uint16 { return protocol.FrameType(c.handWord) }

// finish notes that the frame in hand is done with, and counts it. The next store of the cursor says so to a successor.
func (c *Consumer) finish() {
	c.hand = c.next
	addOwned(c.sharedCount, 1)
	addOwned(c.sharedBytes, protocol.FrameLength(c.handWord))
}

// storeCursor says in one word what is finished and whether the next frame is in hand, so that a crash leaves no state between.
func (c *Consumer) storeCursor(v uint64) {
	if seam.On {
		markWord(seam.ReceiveCursor, c.sharedCursor)
	}
	storeOwned(c.sharedCursor, v)
}

// advance returns credit if enough has gathered, and moves the edge. It returns Empty if nothing is committed behind next.
func (c *Consumer) advance() Outcome {
	if c.next-c.credited >= c.creditStep {
		c.storeCursor(c.cursor()) // not c.next: a redelivered frame keeps its flag if we die now
		c.returnCredit()
	}
	if c.next != c.edge {
		return Done
	}
	if c.next == c.tail {
		if o := c.refill(); o != Done {
			if o == Empty {
				c.Rest()
			}
			return o
		}
	}
	c.setEdge()
	return Done
}

// refill looks at the shared tail. It returns Done if it has moved.
func (c *Consumer) refill() Outcome {
	if c.err != nil {
		return Broken
	}
	// T2: pairs with T1 in Producer.Publish. The frames before this tail are whole.
	tail := c.sharedTail.Load()
	if tail == c.tail {
		if c.poisoned() {
			return Broken
		}
		return Empty
	}
	if err := checkPosition("tail", protocol.OffTail, tail, c.tail, c.credited+c.capacity); err != nil {
		return c.broken(err)
	}
	c.tail = tail
	return Done
}

// broken forgets the tail, so that each later step ends up in refill, which says that the ring is broken.
func (c *Consumer) broken(err error) Outcome {
	c.tail = c.next
	c.setEdge()
	return c.breach.broken(err)
}

// Rest returns all credit and stores the cursor. It is called before waiting, so that a waiting consumer never holds back
// space that a producer may need.
func (c *Consumer) Rest() {
	c.storeCursor(c.cursor())
	if c.hand != c.credited {
		c.returnCredit()
	}
}

// cursor is what the shared cursor should hold now.
func (c *Consumer) cursor() uint64 {
	if c.hand != c.next || c.hand == c.redeliver {
		return c.hand | protocol.CursorInHand
	}
	return c.hand
}

// returnCredit lets the producer overwrite all that is finished.
func (c *Consumer) returnCredit() {
	c.credited = c.hand
	if seam.On {
		mark(seam.ReceiveHead, c.sharedHead)
	}
	// H1: pairs with H2 in Producer.reserve. Our reads of the payload come before this store.
	c.sharedHead.Store(c.hand)
	c.onCredit()
}

func (c *Consumer) setEdge() { c.edge = min(c.tail, c.next&^c.mask+c.capacity) }

// unusual deals with a frame at next that is not plainly a message: it skips a padding frame and returns the header word of the
// message behind it, or finds a breach.
func (c *Consumer) unusual(word uint64) (uint64, Outcome) {
	if protocol.IsPadding(word) {
		rest := c.capacity - c.next&c.mask
		if got := protocol.FrameLength(word) + protocol.FrameHeaderSize; got != rest || c.tail-c.next < rest {
			return 0, c.broken(&protocol.CorruptError{Field: "padding length", Offset: c.next, Got: got, Want: "what is left before the end of the data"})
		}
		c.next += rest
		c.hand = c.next
		if c.next == c.tail { // only another implementation would publish padding alone
			c.storeCursor(c.next)
			if o := c.refill(); o != Done {
				c.setEdge()
				return 0, o
			}
		}
		c.setEdge()
		word = *wordAt(c.data, c.next&c.mask)
	}
	err := protocol.CheckFrame(word, c.next, c.edge-c.next, c.maxMessage)
	if err == nil && protocol.IsPadding(word) {
		err = &protocol.CorruptError{Field: "frame flags", Offset: c.next, Got: word, Want: "a message after padding"}
	}
	if err != nil {
		return 0, c.broken(err)
	}
	return word, Done
}

// Redelivered reports whether the frame in hand may have been seen by a consumer that died.
func (c *Consumer) Redelivered() bool { return c.hand == c.redeliver && c.hand != c.next }

// Held reports whether a frame is in hand.
func (c *Consumer) Held() bool { return c.hand != c.next }

// Release finishes the frame in hand, if there is one.
func (c *Consumer) Release() {
	if c.hand == c.next {
		return
	}
	c.finish()
	c.storeCursor(c.next)
	if c.next-c.credited >= c.creditStep {
		c.returnCredit()
	}
}

// Return puts the frame in hand back as if it had not been delivered: the next Next delivers it again.
func (c *Consumer) Return() {
	if c.hand == c.next {
		return
	}
	c.next = c.hand
	c.setEdge()
	c.storeCursor(c.cursor())
}

// Backlog is the number of bytes committed and not yet delivered, frame headers included. It looks at the shared tail.
func (c *Consumer) Backlog() uint64 { return c.sharedTail.Load() - c.next }

// Count adds one to a counter of the consumer's, for tools; index is a protocol.Counter constant.
func (c *Consumer) Count(index uint64) { count(c.counters, index) }
