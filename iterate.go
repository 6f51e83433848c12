package shmpipe

import (
	"context"
	"io"
	"iter"

	"shmpipe/ring"
)

// Messages iterates over the messages, in place, and waits for each. The slice is valid until the next iteration. The loop ends
// silently at the end of stream; any other error of Receive comes as the last pair, with a nil slice. A message is finished when
// the loop asks for the next one; if the loop is left, the message that it was left at is finished too. If the loop's body panics,
// that message is not finished: it comes again.
func (c *Consumer) Messages(ctx context.Context) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var m Message
		inBody := false
		defer func() { // the body panicked: nobody else can end the loan, without which Close gives nothing back
			switch {
			case !inBody || !m.lent():
			case c.ring == nil:
				c.putBack()
			default:
				c.ring.Return()
				c.leave()
			}
		}()
		for {
			var err error
			m, err = c.Next(ctx)
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
			inBody = true
			more := yield(m.Bytes(), nil)
			inBody = false
			m.Release()
			if !more {
				return
			}
		}
	}
}

// Poll waits for a message and then calls fn for up to limit messages that are there, in place; the slice is valid until fn returns.
// It returns how many messages were finished: in SPSC also one in which fn closed the Consumer, which otherwise is handed to another
// consumer. If fn returns an error, Poll stops and returns it, and the message that fn was
// given is not finished: it comes again. Credit for all of them is given back at once, also if fn panics. The Consumer must not be
// used in fn, except for Type, Redelivered and Close. Errors are those of Receive.
func (c *Consumer) Poll(ctx context.Context, limit int, fn func(msg []byte) error) (int, error) {
	if !c.enter() {
		return 0, c.turnAway()
	}
	if c.ring == nil {
		return c.otherPoll(ctx, limit, fn)
	}
	payload, _, o := c.ring.Next()
	if o != ring.Done {
		var err error
		if payload, err = c.nextSlow(ctx, o); err != nil {
			return 0, c.end(err)
		}
	}
	return c.poll(payload, limit, fn)
}

// TryPoll is Poll without waiting: it returns ErrEmpty if there is no message. Errors are those of TryReceive.
func (c *Consumer) TryPoll(limit int, fn func(msg []byte) error) (int, error) {
	if !c.enter() {
		return 0, c.turnAway()
	}
	if c.ring == nil {
		return c.otherPoll(noWait, limit, fn)
	}
	payload, _, o := c.ring.Next()
	if o != ring.Done {
		return 0, c.end(c.nothing(o))
	}
	return c.poll(payload, limit, fn)
}

// otherPoll gives messages to fn that come other than by an SPSC ring.
func (c *Consumer) otherPoll(ctx context.Context, limit int, fn func(msg []byte) error) (int, error) {
	if c.queue != nil {
		return c.queuePoll(ctx, limit, fn)
	}
	return c.manyPoll(ctx, limit, fn)
}

// poll gives the message in hand and those behind it to fn.
func (c *Consumer) poll(payload []byte, limit int, fn func(msg []byte) error) (int, error) {
	c.messageID++ // a Message that was lent before must not end this loan
	c.lend()      // fn may call Close
	defer c.leave()
	n, o, err := c.ring.Each(payload, limit, &c.closed, fn)
	if o == ring.Broken {
		err = c.broken()
	}
	return n, err
}
