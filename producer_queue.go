package shmpipe

import (
	"context"
	"errors"
	"sync/atomic"

	"shmpipe/mqueue"
)

// queueEndpoint is what an end of a message queue has of an endpoint's parts, so that the methods' common beginning finds what it reads.
func (e *endpoint) queueEndpoint(p *Pipe, interrupt func(), detach func() error) {
	e.pipe, e.follow = p, p.opts.Follow
	e.peer = new(atomic.Uint64) // no single one; the queue knows
	e.interrupt = interrupt
	e.guard.detach = func() error { return errors.Join(detach(), p.release()) }
}

// newQueueProducer takes a producer's role of a message queue.
func (p *Pipe) newQueueProducer() (*Producer, error) {
	if err := p.acquire(); err != nil {
		return nil, err
	}
	s, err := p.queue.Sender(p.queueEnd())
	if err != nil {
		return nil, errors.Join(err, p.release())
	}
	v := &Producer{queue: &queueProducer{Sender: s}}
	v.queueEndpoint(p, s.Interrupt, s.Close)
	return v, nil
}

// queueProducer sends through a message queue. A claim is memory of its own: a queue has no space to write to in place.
type queueProducer struct {
	*mqueue.Sender
	space   []byte
	claimed bool
	waits   bool // Commit waits for space
}

// queueSend ends a method that sends one message. With noWait it does not wait.
func (p *Producer) queueSend(ctx context.Context, msg []byte) error {
	return p.end(p.queue.Send(ctx, msg, p.typ))
}

// queueBatch sends one message after the other: a queue takes no more at once.
func (p *Producer) queueBatch(ctx context.Context, msgs [][]byte) (int, error) {
	for i, msg := range msgs {
		if err := p.queue.Send(ctx, msg, p.typ); err != nil {
			return i, p.end(err)
		}
	}
	p.leave()
	return len(msgs), nil
}

// queueClaim hands out memory for a message. With noWait, Commit will not wait for space either.
func (p *Producer) queueClaim(ctx context.Context, n uint64) (Claim, error) {
	q := p.queue
	if n > uint64(q.MaxMessage()) {
		return Claim{}, p.end(ErrTooLarge)
	}
	if uint64(cap(q.space)) < n {
		q.space = make([]byte, n)
	}
	q.claimed, q.waits = true, ctx != noWait
	return p.lendClaim(q.space[:n]), nil
}

// queueCommit sends what was claimed.
func (p *Producer) queueCommit(n int) error {
	q := p.queue
	q.claimed = false
	p.use.store(useIn)
	if p.closed.Load() {
		return p.end(ErrClosed)
	}
	ctx := noWait
	if q.waits {
		ctx = context.Background()
	}
	return p.queueSend(ctx, q.space[:n])
}

func (p *Producer) queueAbort() {
	p.queue.claimed = false
	p.leave()
}
