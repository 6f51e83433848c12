package ring

import (
	"sync/atomic"

	"shmpipe/internal/seam"
	"shmpipe/protocol"
)

// MPMCProducer is a sending end of an MPMC ring. It must not be used concurrently; each has a slot of its own, and the caller holds
// the lease on that slot.
//
// The word of the granule at the tail tells the whole truth: a claim is one compare-and-swap on it, which says in one step who has
// claimed, how much, and in which lap. So there is never a claimed region of unknown owner or length, and who meets a claim of the
// dead can mend it.
//
// # Where the tail is
//
// The tail is the first position that nobody has claimed. No word holds it; the one in the control block is a hint that lags, as is
// what a producer remembers. From any position at which a frame has begun, or once will have, walk: over a frame that is there by its
// span; over a granule that is free for, or in use in, a later lap by one, since whatever covered it is finished. The walk never
// steps into the middle of a frame that lives, because the first word of a frame is the last to be freed. It ends at a word that is
// free for its lap, which is the tail; or that is of an earlier lap, and then the ring is full. The head is found in the same way.
//
// # Progress
//
// Send is lock-free, commit is wait-free: if a claim fails, another participant's has succeeded.
type MPMCProducer struct {
	crowd
	next  uint64         // where to walk from: a position at which the tail has been
	place *atomic.Uint64 // the word there, or that of the frame that was just claimed
	claim mpmcClaim

	claimOne protocol.Word // a claim of one granule, but for its lap

	drainAt, drainTo uint64 // positions, for AwaitDrained
	drainPauses      uint32 // see LetDrain
}

// mpmcClaim is space for one message that has been handed out but not committed.
type mpmcClaim struct {
	held   bool
	pos    uint64
	place  *atomic.Uint64 // the word
	span   uint64
	length uint64 // payload bytes asked for
}

// NewMPMCProducer attaches to a ring as a producer in a slot whose predecessor, if it died, has been recovered. The error matches
// protocol.ErrCorrupt if the ring is poisoned.
func NewMPMCProducer(m MPMCMemory, slot uint8) (*MPMCProducer, error) {
	c, err := join(m, slot, protocol.OffDataGate)
	if err != nil {
		return nil, err
	}
	p := &MPMCProducer{
		crowd:       c,
		claimOne:    protocol.NewWord(0, 1, slot, protocol.WordClaimed),
		drainPauses: drainPauses(),
	}
	p.next = p.further(seam.ClaimTailLoad, p.tail, 0)
	return p, nil
}

// Send sends a copy of msg. It returns Done, Full, TooLarge or Broken. After Done, the caller looks whether a consumer sleeps.
func (p *MPMCProducer) Send(msg []byte, typ uint16) Outcome {
	n := uint64(len(msg))
	if n > p.maxMessage {
		return TooLarge
	}
	span := p.spanOf(n + protocol.FrameHeaderSize)
	pos, o := p.reserve(span)
	if o != Done {
		return o
	}
	at := p.at(pos)
	if at%fetchEach == 0 {
		p.fetch(pos, at)
	}
	if isBulk(n) {
		p.writeBulk(addrAt(p.data, at), msg, typ)
	} else {
		p.write(addrAt(p.data, at), msg, typ)
	}
	return p.commit(pos, span, 1, n)
}

// reserve claims a frame of span granules, contiguous, behind the tail; span is at most half of the ring. It returns where the
// frame is, and Done, Full or Broken. It walks as findTail does, but by itself: to call that costs a small message a quarter of its time.
func (p *MPMCProducer) reserve(span uint64) (uint64, Outcome) {
	if p.err != nil {
		return 0, Broken
	}
	for steps := 1; steps <= maxSteps; steps++ {
		pos := p.next
		free, place := protocol.FreeWord(p.lap(pos)), p.word(pos)
		p.place = place
		seam.Again(seam.ClaimWordLoad)
		if w := p.load(seam.ClaimWordLoad, place); w != free {
			if o := p.pass(w); o != Done {
				return 0, o
			}
		} else if span > 1 {
			if o := p.claimSpan(pos, span, free); o != Empty {
				return pos, o
			}
		} else if p.swap(seam.ClaimWord, place, free, free|p.claimOne) {
			p.next = pos + 1
			if p.next&p.block == 0 {
				p.passed(seam.ClaimTail, p.tail, pos, p.next)
			}
			return pos, Done
		}
		if steps%hintEvery == 0 {
			p.next = p.further(seam.ClaimTailLoad, p.tail, p.next)
		}
	}
	return 0, Full // so many others were faster; the caller looks at its context and comes again
}

// claimSpan claims a frame of several granules at the tail, or padding if it does not fit before the end of the data. It returns Done, Full,
// Broken, or Empty if the tail has moved: by the padding, or by somebody who was faster.
func (p *MPMCProducer) claimSpan(pos, span uint64, free protocol.Word) Outcome {
	run, to, site := span, protocol.NewWord(free.Lap(), span, p.slot, protocol.WordClaimed), seam.ClaimWord
	if rest := p.mask + 1 - pos&p.mask; span > rest {
		run, to, site = rest, protocol.NewWord(free.Lap(), rest, 0, protocol.WordAbandoned), seam.ClaimPadding
	}
	if o := p.restIsFree(pos, run, free); o != Done {
		return o
	}
	if !p.swap(site, p.place, free, to) {
		return Empty
	}
	p.next = pos + run
	p.passed(seam.ClaimTail, p.tail, pos, p.next)
	if site == seam.ClaimPadding {
		return Empty
	}
	return Done
}

// findTail walks to the tail. It returns Done if the granule there is free, Full if it is not, Broken, or Empty if it has not got there.
func (p *MPMCProducer) findTail() (uint64, Outcome) {
	if p.err != nil {
		return 0, Broken
	}
	for steps := 1; steps <= maxSteps; steps++ {
		pos := p.next
		p.place = p.word(pos)
		seam.Again(seam.ClaimWordLoad)
		w := p.load(seam.ClaimWordLoad, p.place)
		if w == protocol.FreeWord(p.lap(pos)) {
			return pos, Done
		}
		if o := p.pass(w); o != Done {
			return 0, o
		}
		if steps%hintEvery == 0 {
			p.next = p.further(seam.ClaimTailLoad, p.tail, p.next)
		}
	}
	return 0, Empty
}

// pass goes on from next, where the word is w and not free to be claimed. It returns Done, Full or Broken.
func (p *MPMCProducer) pass(w protocol.Word) Outcome {
	pos := p.next
	switch ahead := int32(w.Lap() - p.lap(pos)); {
	case ahead == 0: // somebody has claimed here
		if !p.sound(w, pos&p.mask) {
			return Broken
		}
		p.next = pos + w.Span()
	case ahead > 0: // whatever covered it is finished
		p.next = pos + 1
	default: // in use in the lap before; or this producer was idle for half of all laps, and the tail is far ahead
		if p.next = p.further(seam.ClaimTailLoad, p.tail, pos); p.next != pos {
			return Done
		}
		if p.poisoned() {
			return Broken
		}
		return Full
	}
	return Done
}

// hintEvery is how many steps are walked between two looks at the hint.
const hintEvery = 16

// Bounds on what one call does, whatever others write meanwhile: steps of a walk, and claims that others were faster to make.
const (
	maxSteps = 1 << 16
	maxTries = 1 << 8
)

// restIsFree looks whether the granules behind the first of a run are free too. Once free, they stay so until a frame that covers them
// is claimed, and only at the tail can that happen. It returns Done, Full, Broken, or Empty if the tail has moved meanwhile.
func (p *MPMCProducer) restIsFree(pos, run uint64, first protocol.Word) Outcome {
	for i := uint64(1); i < run; i++ {
		w := p.load(seam.ClaimInnerLoad, p.word(pos+i))
		if w == first {
			continue
		}
		if p.load(seam.ClaimWordLoad, p.place) != first {
			return Empty
		}
		if int32(w.Lap()-first.Lap()) < 0 {
			if p.poisoned() {
				return Broken
			}
			return Full
		}
		// Nobody has claimed here, and nobody can have claimed past it.
		return p.broken(&protocol.CorruptError{Field: "word of a granule behind the tail", Offset: pos + i, Got: uint64(w), Want: "free, or in use in the lap before"})
	}
	return Done
}

// commit makes a claim readable: messages and bytes are what it carries. Nobody else changes the word of a living owner; the look only
// notices a breach.
func (p *MPMCProducer) commit(pos, span, messages, bytes uint64) Outcome {
	from := protocol.NewWord(p.lap(pos), span, p.slot, protocol.WordClaimed)
	addOwned(wordAt(p.counters, 8*protocol.SlotSent), messages)
	addOwned(wordAt(p.counters, 8*protocol.SlotSentBytes), bytes)
	if p.load(seam.CommitLoad, p.place) != from {
		return p.taken("commit", pos)
	}
	p.give(seam.CommitWord, p.place, from.With(0, protocol.WordCommitted))
	return Done
}

// taken is the breach of somebody who changed our word.
func (p *MPMCProducer) taken(op string, pos uint64) Outcome {
	return p.broken(&protocol.CorruptError{Field: op + ": the claim is not ours any more", Offset: pos, Got: p.place.Load(), Want: "the word as we left it"})
}

// Claim reserves space for a message of n bytes and returns it, for the caller to write into. It returns Done, Full, TooLarge or Broken.
// The slice is valid until Commit or Abort is next called; after that, it must not be touched. A claim must end before the next
// Send, SendBatch or Claim. Consumers wait for it, and for whatever was sent after it: end it soon.
func (p *MPMCProducer) Claim(n uint64) ([]byte, Outcome) {
	if n > p.maxMessage {
		return nil, TooLarge
	}
	span := p.spanOf(n + protocol.FrameHeaderSize)
	pos, o := p.reserve(span)
	if o != Done {
		return nil, o
	}
	p.claim = mpmcClaim{held: true, pos: pos, place: p.place, span: span, length: n}
	return bytesAt(p.data, p.at(pos)+protocol.FrameHeaderSize, n), Done
}

// Claimed reports whether a claim is held, and for how many bytes.
func (p *MPMCProducer) Claimed() (n uint64, held bool) { return p.claim.length, p.claim.held }

// Commit sends the first n bytes of the claim as a message. The caller has checked that a claim is held and that n is not more than
// was asked for. It returns Done or Broken.
func (p *MPMCProducer) Commit(n uint64, typ uint16) Outcome {
	c := p.claim
	p.claim, p.place = mpmcClaim{}, c.place
	frame := addrAt(p.data, p.at(c.pos))
	if seam.On {
		seam.At(seam.ClaimPayload, frame)
	}
	*wordAt(frame, 0) = protocol.FrameHeader(uint32(n), typ, 0)
	return p.commit(c.pos, c.span, 1, n)
}

// Abort gives the claim up: consumers skip it. It returns Done or Broken.
func (p *MPMCProducer) Abort() Outcome {
	c := p.claim
	p.claim, p.place = mpmcClaim{}, c.place
	p.Count(protocol.SlotAborts)
	from := protocol.NewWord(p.lap(c.pos), c.span, p.slot, protocol.WordClaimed)
	if p.load(seam.CommitLoad, p.place) != from {
		return p.taken("abort", c.pos)
	}
	p.give(seam.AbortWord, p.place, from.With(0, protocol.WordAbandoned))
	return Done
}
