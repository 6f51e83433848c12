package shmpipe

import (
	"context"
	"fmt"

	"shmpipe/ring"
)

// Claim is space reserved in the ring for one message, which the producer writes in place. Nothing of it is visible before Commit. It
// must end, with Commit or Abort, before the Producer is used otherwise:
//
//	c, err := p.Claim(ctx, len(head)+len(body))
//	if err != nil {
//		return err
//	}
//	defer c.Abort() // does nothing once committed
//	n := copy(c.Bytes(), head)
//	n += copy(c.Bytes()[n:], body)
//	return c.Commit(n)
//
// In MPMC mode, consumers wait for a claim, and for whatever anyone sends after it: end it soon.
//
// With a message queue, a claim is private memory, and space is sought by Commit: after Claim it waits for it, until Close; after TryClaim
// it does not, and returns ErrFull if there is none.
//
// A Claim belongs to the goroutine that uses the Producer. Closing the Producer while a claim is held takes effect when that ends;
// Commit then sends nothing and returns ErrClosed.
type Claim struct { // four words: the compiler keeps no more than that in registers
	p    *Producer
	data *byte
	len  int
	id   uint64 // of this claim, so that a stale copy of the value does no harm
}

// TryClaim reserves space for a message of up to n bytes if there is space now. Errors are those of TrySend. It panics if n is negative.
func (p *Producer) TryClaim(n int) (Claim, error) {
	want := size(n) // may panic, so before the producer is marked as in use
	if !p.start() && !p.refuse() {
		return Claim{}, p.why
	}
	if p.ring == nil {
		return p.otherClaim(noWait, want)
	}
	b, o := p.ring.Claim(want)
	if o != ring.Done {
		return Claim{}, p.end(p.refused(o))
	}
	return p.lendClaim(b), nil
}

// Claim reserves space for a message of up to n bytes, and waits if there is none. Errors are those of Send. It panics if n is negative.
// The context stops the wait, never a claim that was obtained.
func (p *Producer) Claim(ctx context.Context, n int) (Claim, error) {
	want := size(n) // may panic, so before the producer is marked as in use
	if !p.start() && !p.refuse() {
		return Claim{}, p.why
	}
	if p.ring == nil {
		return p.otherClaim(ctx, want)
	}
	b, o := p.ring.Claim(want)
	for o == ring.Full {
		if err := p.waitFor(ctx, n); err != nil {
			return Claim{}, p.end(err)
		}
		b, o = p.ring.Claim(want)
	}
	if o != ring.Done {
		return Claim{}, p.end(p.failure(o))
	}
	return p.lendClaim(b), nil
}

// otherClaim reserves space other than in an SPSC ring.
func (p *Producer) otherClaim(ctx context.Context, n uint64) (Claim, error) {
	if p.queue != nil {
		return p.queueClaim(ctx, n)
	}
	return p.manyClaim(ctx, n)
}

func (p *Producer) lendClaim(b []byte) Claim {
	p.claimID++
	p.lend()
	return Claim{p, startOf(b), len(b), p.claimID}
}

func size(n int) uint64 {
	if n < 0 {
		panic(fmt.Sprintf("shmpipe: claim of %d bytes", n))
	}
	return uint64(n)
}

// Bytes is the space: write-only, of the length that was claimed. It must not be touched after Commit or Abort.
func (c Claim) Bytes() []byte { return bytesAt(c.data, c.len) }

// Commit sends the first n bytes as a message. It panics if the claim has ended already, or if n is negative or more than was
// claimed. It returns ErrClosed if the Producer was closed meanwhile; then nothing is sent.
func (c Claim) Commit(n int) error {
	if !c.held() {
		panic("shmpipe: Commit of a claim that was committed or aborted")
	}
	if n < 0 || n > c.len {
		panic(fmt.Sprintf("shmpipe: Commit of %d bytes of a claim of %d", n, c.len))
	}
	if c.p.closed.Load() {
		c.Abort()
		return ErrClosed
	}
	switch {
	case c.p.queue != nil:
		return c.p.queueCommit(n)
	case c.p.many != nil:
		return c.p.manyCommit(uint64(n))
	}
	c.p.ring.Commit(uint64(n), c.p.typ)
	c.p.publish()
	c.p.leave()
	return nil
}

// Abort gives the space back. It does nothing if the claim has ended already.
func (c Claim) Abort() {
	switch {
	case !c.held():
	case c.p.queue != nil:
		c.p.queueAbort()
	case c.p.many != nil:
		c.p.manyAbort()
	default:
		c.p.ring.Abort()
		c.p.leave()
	}
}

func (c Claim) held() bool {
	return c.p != nil && c.id == c.p.claimID && c.p.claimed()
}
