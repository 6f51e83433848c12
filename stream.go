package shmpipe

import (
	"context"
	"errors"
	"io"
)

// Writer makes an io.Writer and io.ReaderFrom of a Producer: a stream of bytes, cut into messages. It does not close the Producer.
// It is not for concurrent use.
type Writer struct {
	ctx   context.Context
	p     *Producer
	block int
}

// DefaultBlock is the size of the messages that a Writer makes, in bytes, where the ring's message limit allows it.
const DefaultBlock = 64 << 10

// NewWriter makes a Writer that sends with ctx, in messages of at most block bytes; 0 = DefaultBlock.
func NewWriter(ctx context.Context, p *Producer, block int) *Writer {
	if block <= 0 {
		block = DefaultBlock
	}
	return &Writer{ctx, p, min(block, p.MaxMessage())}
}

// Write sends b, in as many messages as that takes. It returns how many bytes were sent and the errors of [Producer.Send].
func (w *Writer) Write(b []byte) (int, error) {
	sent := 0
	for len(b) > 0 {
		n := min(len(b), w.block)
		if err := w.p.Send(w.ctx, b[:n]); err != nil {
			return sent, err
		}
		b, sent = b[n:], sent+n
	}
	return sent, nil
}

// ReadFrom sends what it reads from r until io.EOF. It reads straight into the ring, so the bytes are copied once less than by Write.
// What was read before an error is sent.
func (w *Writer) ReadFrom(r io.Reader) (int64, error) {
	if w.p.ring == nil { // a claim would hold up everybody else while r waits; or, of a queue, save nothing
		return io.CopyBuffer(writeOnly{w}, r, make([]byte, w.block))
	}
	var total int64
	for {
		n, err := w.readBlock(r)
		total += int64(n)
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// writeOnly hides ReadFrom from io.Copy.
type writeOnly struct{ io.Writer }

// readBlock fills one message from r.
func (w *Writer) readBlock(r io.Reader) (int, error) {
	c, err := w.p.Claim(w.ctx, w.block)
	if err != nil {
		return 0, err
	}
	defer c.Abort()
	n, err := r.Read(c.Bytes())
	if n > 0 {
		if cerr := c.Commit(n); cerr != nil {
			return 0, cerr
		}
	}
	return n, err
}

// Reader makes an io.Reader and io.WriterTo of a Consumer: the bytes of its messages, one after the other. The end of stream is
// io.EOF. It does not close the Consumer. It is not for concurrent use.
type Reader struct {
	ctx  context.Context
	c    *Consumer
	rest []byte // of the message in hand
}

// NewReader makes a Reader that receives with ctx.
func NewReader(ctx context.Context, c *Consumer) *Reader { return &Reader{ctx: ctx, c: c} }

// Read copies bytes of the present message to b, and waits for a message if there is none in hand. It returns the errors of
// [Consumer.Next]. A message of which bytes are left stays in hand: the Consumer must not be used otherwise meanwhile, but for Close,
// which finishes it.
func (r *Reader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := r.borrow(); err != nil {
		return 0, err
	}
	n := copy(b, r.rest)
	r.rest = r.rest[n:]
	r.giveBack()
	return n, nil
}

// WriteTo writes the bytes of all messages to w, straight from the ring, until the end of stream. It returns how many bytes were
// written, and nil at the end of stream, an error of w, or one of [Consumer.Next]. What w did not take of a message stays in hand, for
// the next call of Read or WriteTo.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		if err := r.borrow(); err == io.EOF {
			return total, nil
		} else if err != nil {
			return total, err
		}
		n, err := r.writeRest(w)
		total += int64(n)
		if err != nil {
			return total, err
		}
	}
}

func (r *Reader) writeRest(w io.Writer) (int, error) {
	defer r.giveBack() // also if w panics
	n, err := w.Write(r.rest)
	if n < 0 || n > len(r.rest) {
		return 0, errors.New("shmpipe: writer returned an invalid count")
	}
	r.rest = r.rest[n:]
	if err == nil && len(r.rest) > 0 {
		err = io.ErrShortWrite
	}
	return n, err
}

// borrow has bytes of a message lent to us: those that are left of the one in hand, or those of the next that has any.
func (r *Reader) borrow() error {
	if len(r.rest) > 0 {
		if !r.c.enter() {
			r.rest = nil
			return r.c.turnAway()
		}
		r.c.lend()
		return nil
	}
	for len(r.rest) == 0 { // an empty message is no bytes
		m, err := r.c.Next(r.ctx)
		if err != nil {
			return err
		}
		r.rest = m.Bytes()
	}
	return nil
}

// giveBack ends the loan, and finishes the message if nothing is left of it. The rest of a message is not on loan between two calls: then
// a Reader that is dropped there would keep Close from giving the role back.
func (r *Reader) giveBack() {
	if len(r.rest) == 0 {
		r.c.finishLoan()
		return
	}
	r.c.leave()
}
