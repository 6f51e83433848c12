package shmpipe

import (
	"context"
	"errors"
	"sync/atomic"

	"shmpipe/mqueue"
)

// newQueueConsumer takes a consumer's role of a message queue.
func (p *Pipe) newQueueConsumer() (*Consumer, error) {
	if err := p.acquire(); err != nil {
		return nil, err
	}
	r, err := p.queue.Receiver(p.queueEnd())
	if err != nil {
		return nil, errors.Join(err, p.release())
	}
	v := &Consumer{queue: &queueConsumer{Receiver: r}}
	v.queueEndpoint(p, r.Interrupt, func() error {
		if v.queue.handBack.Load() {
			r.Return()
		}
		return r.Close()
	})
	v.guard.lentWhenClosed = func() {
		if p.mode(0) == MPMC {
			v.queue.handBack.Store(true)
		}
	}
	return v, nil
}

// queueConsumer receives from a message queue, to memory of its own.
type queueConsumer struct {
	*mqueue.Receiver
	typ         uint16
	redelivered bool
	handBack    atomic.Bool // the consumer was closed while the message in hand was lent
}

// queueNext takes the next message. With noWait it does not wait.
func (c *Consumer) queueNext(ctx context.Context) ([]byte, error) {
	q := c.queue
	payload, typ, redelivered, err := q.Next(ctx)
	if err == nil {
		q.typ, q.redelivered = typ, redelivered
	}
	return payload, err
}

// queuePoll gives up to limit messages to fn. With noWait it does not wait for the first.
func (c *Consumer) queuePoll(ctx context.Context, limit int, fn func(msg []byte) error) (n int, err error) {
	for n == 0 || n < limit {
		payload, err := c.queueNext(ctx)
		if err != nil {
			if n > 0 && !errors.Is(err, ErrCorrupt) {
				err = nil // the next call finds it again
			}
			return n, c.end(err)
		}
		ctx = noWait  // for those behind the first
		c.messageID++ // a Message that was lent before must not end this loan
		if err := c.visit(payload, fn); err != nil {
			return n, err
		}
		open := c.resume()
		if open || !c.queue.handBack.Load() {
			n++
		}
		if !open {
			return n, nil
		}
	}
	c.leave()
	return n, nil
}

// visit lends a message to fn. If fn fails or panics, the message is not finished, and the loan is over.
func (c *Consumer) visit(payload []byte, fn func([]byte) error) (err error) {
	well := false
	c.lend()
	defer func() {
		if !well {
			c.putBack()
		}
	}()
	if err = fn(payload); err == nil {
		well = true
	}
	return err
}
