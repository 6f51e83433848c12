package ring

import (
	"sync"

	"shmpipe/internal/prefetch"
	"shmpipe/internal/spin"
	"shmpipe/protocol"
)

// chunk is how many pauses pass between two looks while messages gather.
const chunk = 256

const (
	glance    = 64 // looks of a Glance, at most: a microsecond or a few
	cacheLine = 64 // bytes; what is fetched twice, or not at all, on other machines is only a hint
)

// pausesPerMicrosecond is measured once: a PAUSE takes from 10 to 140 cycles, by the make of the processor.
var pausesPerMicrosecond = sync.OnceValue(func() uint64 {
	const pauses = 256
	best := ^uint64(0)
	for range 5 { // the least of five: the others were interrupted
		start := spin.Ticks()
		spin.Pause(pauses)
		best = min(best, spin.Ticks()-start)
	}
	return max(1, pauses*spin.TicksPerMicrosecond()/max(best, 1))
})

// Look waits for messages behind those that Next has delivered, for at most spins looks with a pause between them. It returns Done,
// Empty or Broken. Before the first look of a wait (first is true), it may leave the line alone for a while to let messages
// gather, bounded in time, if that has been found to pay; see gather.
func (c *Consumer) Look(spins int, first bool) Outcome {
	if c.next != c.tail {
		return Done
	}
	c.tellGather()
	if first {
		c.Rest()
		if c.gather.pauses > 0 {
			// Nothing has gathered, as far as is known. The tail is only a hint here; refill checks it.
			c.gather.letGather(0, func() uint64 { return c.sharedTail.Load() - c.next })
		}
	}
	for range spins {
		if o := c.refill(); o != Empty {
			if o == Done {
				c.found()
			}
			return o
		}
		spin.Pause(1)
	}
	return Empty
}

// Glance looks for a message as Look does, but a few times only, and does nothing else: where two sides answer each other, the answer
// comes meanwhile, and whatever stands between the tail and the caller makes it later. It reports whether a message came, and
// false at once where messages are left to gather.
//
// Between two looks it has the first lines of the next frame come, which the producer writes before the tail. So they are on their way
// together with the tail's, and not only after it. See docs/adr/0020-glance.md.
func (c *Consumer) Glance() bool {
	if c.next != c.tail {
		return true
	}
	c.tellGather()
	if c.gather.pauses > 0 {
		return false
	}
	first := uintptr(addrAt(c.data, c.next&c.mask))
	second := first + uintptr(min(cacheLine, protocol.FrameLength(c.handWord))) // of a frame as long as the last
	for range glance {
		if c.sharedTail.Load() != c.tail {
			if c.refill() != Done {
				return false
			}
			c.setEdge()
			c.glanced = c.tail - c.next
			return true
		}
		spin.Pause(1)
		prefetch.Read(first)
		prefetch.Read(second)
	}
	return false
}

// letGather pauses as long as gather says, but stops as soon as enough is there or nothing more comes. Seen is how many bytes have
// gathered; count counts them anew, which disturbs the producer.
func (g *gather) letGather(seen uint64, count func() uint64) {
	enough := g.aim()
	for left := g.pauses; left > 0; {
		n := min(left, chunk)
		spin.Pause(n)
		if left -= n; left == 0 {
			return
		}
		now := count()
		if now == seen || now >= enough {
			return
		}
		seen = now
	}
}

// found tells gather what a look found.
func (c *Consumer) found() {
	c.setEdge()
	c.looked(c.tail - c.next)
}

// tellGather tells gather what the last glance found.
func (c *Consumer) tellGather() {
	if c.glanced > 0 {
		c.looked(c.glanced)
		c.glanced = 0
	}
}

// looked tells gather that a look found so many bytes.
func (c *Consumer) looked(gathered uint64) {
	frame := protocol.FrameSize(protocol.FrameLength(c.handWord))
	if c.gather.looked(gathered, frame) {
		c.gather.tick(spin.Ticks(), c.next)
	}
}

// Slept tells the consumer that its caller slept while it waited.
func (c *Consumer) Slept() { c.gather.idle() }

// AwaitRoom looks, for at most spins times with a pause between them, whether a message of n bytes fits. It returns Done, Full,
// TooLarge or Broken.
func (p *Producer) AwaitRoom(n uint64, spins int) Outcome {
	for range spins {
		if o := p.HasRoom(n); o != Full {
			return o
		}
		spin.Pause(1)
	}
	return Full
}

// AwaitDrained looks, for at most spins times with a pause between them, whether the consumer has finished everything that was
// published. It returns Done, Full or Broken.
func (p *Producer) AwaitDrained(spins int) Outcome {
	for range spins {
		if p.Drained() {
			return Done
		}
		spin.Pause(1)
	}
	if p.poisoned() {
		return Broken
	}
	return Full
}
