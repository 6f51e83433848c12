package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"shmpipe"
)

// source is where messages come from: input, or a generator.
type source struct {
	input *input // nil if messages are generated
	total int64  // bytes that will be sent; -1 if nobody can know
}

func (s *source) close() {
	if s.input != nil {
		s.input.close()
	}
}

// source is opened before the ring, so that a wrong file name disturbs nobody.
func (o *producerOptions) source(ctx context.Context) (*source, error) {
	if o.generate > 0 {
		return &source{total: int64(o.generate) * int64(o.size)}, nil
	}
	in, err := openInput(ctx, o.app.in, o.file)
	if err != nil {
		return nil, err
	}
	return &source{input: in, total: in.size}, nil
}

// sending is one run of a producer.
type sending struct {
	options *producerOptions
	pipe    *shmpipe.Pipe
	p       *shmpipe.Producer
	source  *source
	drain   bool // wait until all was received
	many    bool // the ring has many producers and consumers
	meter   meter
}

// run sends everything, gives the role back and says what was done.
func (s *sending) run(ctx context.Context) error {
	stopProgress := s.progress()
	err := s.send(ctx)
	if err == nil && s.drain {
		err = s.drained(s.p.Drain(ctx))
	}
	s.meter.stop()
	stopProgress()
	err = s.explain(cause(ctx, err))
	return errors.Join(err, s.leave(err))
}

// leave gives the role back, and the segment's handle after the counters were read.
func (s *sending) leave(err error) error {
	if closeErr := errors.Join(s.p.Close(), s.pipe.Close()); closeErr != nil {
		return fmt.Errorf("leave: %w", closeErr)
	}
	if err == nil || errors.Is(err, errInterrupted) {
		s.options.app.say("%s", s.meter.summary("sent"))
	}
	return nil
}

func (s *sending) progress() func() {
	o := s.options
	show := o.progress || isTerminal(o.app.err) && !(s.source.input != nil && isTerminal(s.source.input.File))
	if o.app.quiet || !show {
		return func() {}
	}
	return showProgress(o.app.err, "sending", &s.meter, s.source.total)
}

func (s *sending) send(ctx context.Context) error {
	o := s.options
	batch := o.batch
	if s.source.input == nil {
		return s.generate(ctx, max(batch, 1))
	}
	if o.frames == framingBlocks {
		return s.sendBlocks(ctx)
	}
	if batch == 0 {
		batch = 64
	}
	cut := cutter(cutLine)
	if o.frames == framingPrefixed {
		cut = cutPrefixed
	}
	return s.sendMessages(ctx, newSplitter(s.source.input, cut, s.p.MaxMessage(), batch))
}

// sendBlocks reads straight into the ring.
func (s *sending) sendBlocks(ctx context.Context) error {
	block := int(s.options.block)
	if limit := s.p.MaxMessage(); block > limit && block != shmpipe.DefaultBlock {
		return fmt.Errorf("block is %d bytes, a message of this segment has at most %d; give a smaller --block, or make the segment with a greater --capacity or --max-message", block, limit)
	}
	_, err := shmpipe.NewWriter(ctx, s.p, block).ReadFrom(meteredReader{s.source.input, &s.meter})
	return err
}

// sendMessages sends what the splitter cuts, in batches.
func (s *sending) sendMessages(ctx context.Context, split *splitter) error {
	for {
		msgs, err := split.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if s.meter.start.IsZero() {
			s.meter.begin()
		}
		n, err := s.p.SendBatch(ctx, msgs)
		bytes := 0
		for _, m := range msgs[:n] {
			bytes += len(m)
		}
		s.meter.add(n, bytes)
		if err != nil {
			return err
		}
	}
}

// generate writes numbered messages: one at a time in place, or batches of copies.
func (s *sending) generate(ctx context.Context, batch int) error {
	size, total := int(s.options.size), s.options.generate
	if limit := s.p.MaxMessage(); size > limit {
		return fmt.Errorf("size is %d bytes, a message of this segment has at most %d; make the segment with a greater --capacity or --max-message", size, limit)
	}
	g := newGenerator(total, s.options.rate)
	s.meter.begin()
	if batch == 1 {
		return s.generateInPlace(ctx, g, size)
	}
	msgs := make([][]byte, batch)
	for i := range msgs {
		msgs[i] = make([]byte, size)
	}
	for n := uint64(0); n < total; {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		k := min(uint64(batch), total-n)
		for i := range k {
			due, err := g.due(ctx, n+i)
			if err != nil {
				return err
			}
			g.fill(msgs[i], n+i, due)
		}
		sent, err := s.p.SendBatch(ctx, msgs[:k])
		s.meter.add(sent, sent*size)
		if err != nil {
			return err
		}
		n += k
	}
	return nil
}

func (s *sending) generateInPlace(ctx context.Context, g *generator, size int) error {
	for n := range g.total {
		due, err := g.due(ctx, n)
		if err != nil {
			return err
		}
		c, err := s.p.Claim(ctx, size)
		if err != nil {
			return err
		}
		g.fill(c.Bytes(), n, due)
		if err := c.Commit(size); err != nil {
			return err
		}
		s.meter.add(1, size)
		if n%1024 == 0 && ctx.Err() != nil { // a ring that never fills does not look at the context
			return context.Cause(ctx)
		}
	}
	return nil
}

// drained forgives a consumer that left after it had received everything.
func (s *sending) drained(err error) error {
	if errors.Is(err, shmpipe.ErrPeerClosed) {
		if st, statErr := s.pipe.Stats(); statErr == nil && st.Backlog == 0 {
			return nil
		}
	}
	return err
}

// explain says what became of what was sent when the consumer is gone.
func (s *sending) explain(err error) error {
	var why string
	switch {
	case errors.Is(err, shmpipe.ErrPeerClosed):
		why = "closed"
	case errors.Is(err, shmpipe.ErrPeerDied):
		why = "died"
	case errors.Is(err, errReaderGone):
		why = participantState(s.pipe, "consumer")
	default:
		return err
	}
	what := map[string]string{"closed": "consumer has closed", "died": "consumer died without closing"}
	if s.many {
		what = map[string]string{"closed": "all consumers have closed", "died": "no consumer is left, and one died without closing"}
	}
	st, statErr := s.pipe.Stats()
	if statErr != nil {
		return errors.Join(err, statErr)
	}
	of := ""
	if s.many {
		of = " of what all have sent"
	}
	return fmt.Errorf("%s; %s (%s B) were sent, %s B%s not read", cmp.Or(what[why], "consumer has ended"),
		plural(s.meter.messages.Load(), "message"), grouped(s.meter.bytes.Load()), grouped(st.SentBytes-min(st.SentBytes, st.ReceivedBytes)), of)
}
