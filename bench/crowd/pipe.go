package main

import (
	"context"
	"os"

	"shmpipe"
)

// pipe is shmpipe.
type pipe struct {
	mode    shmpipe.Mode
	batch   int  // messages sent at once; up to four times as many are received at once
	copyOut bool // receive a copy of each message instead of reading it in place
	granule int  // bytes; 0 = the default
	shift   int  // of the words, with a granule
}

func (p pipe) alone() bool { return p.mode == shmpipe.SPSC }

func (p pipe) create(j job) (queue, error) {
	made, err := shmpipe.Create("crowd", shmpipe.Geometry{Mode: p.mode, Capacity: j.Ring, Granule: p.granule, WordShift: p.shift}, j.options())
	if err != nil {
		return queue{}, err
	}
	f, err := made.File()
	if err != nil {
		made.Close()
		return queue{}, err
	}
	return queue{f, j.Ring, made}, nil
}

func (p pipe) producer(j job, f *os.File) (producer, error) {
	open, err := shmpipe.OpenFile(f, j.options())
	if err != nil {
		return nil, err
	}
	out, err := open.Producer()
	return pipeProducer{out, p}, err
}

func (p pipe) consumer(j job, f *os.File) (consumer, error) {
	open, err := shmpipe.OpenFile(f, j.options())
	if err != nil {
		return nil, err
	}
	in, err := open.Consumer()
	return pipeConsumer{in, p}, err
}

type pipeProducer struct {
	*shmpipe.Producer
	pipe
}

func (p pipeProducer) send(w *writer) error {
	if p.batch > 1 {
		return p.sendBatches(w)
	}
	ctx, msg := context.Background(), w.message()
	for w.more() {
		w.stamp(msg)
		if err := p.Send(ctx, msg); err != nil {
			return err
		}
	}
	return nil
}

func (p pipeProducer) sendBatches(w *writer) error {
	ctx, msgs := context.Background(), make([][]byte, p.batch)
	for i := range msgs {
		msgs[i] = w.message()
	}
	for w.more() {
		n := 0
		for n < len(msgs) && w.more() {
			w.stamp(msgs[n])
			n++
		}
		if _, err := p.SendBatch(ctx, msgs[:n]); err != nil {
			return err
		}
	}
	return nil
}

func (p pipeProducer) trySend(msg []byte) (bool, error) {
	err := p.TrySend(msg)
	if err == shmpipe.ErrFull {
		return false, nil
	}
	return err == nil, err
}

type pipeConsumer struct {
	*shmpipe.Consumer
	pipe
}

func (c pipeConsumer) receive(r *reader) error {
	switch {
	case c.batch > 1:
		return c.receiveBatches(r)
	case c.copyOut:
		return c.receiveCopies(r)
	}
	ctx := context.Background()
	for !r.done {
		m, err := c.Next(ctx)
		if err != nil {
			return err
		}
		if err := r.check(m.Bytes()); err != nil {
			return err
		}
		m.Release()
	}
	return nil
}

func (c pipeConsumer) receiveBatches(r *reader) error {
	ctx := context.Background()
	for !r.done {
		if _, err := c.Poll(ctx, 4*c.batch, r.check); err != nil {
			return err
		}
	}
	return nil
}

func (c pipeConsumer) receiveCopies(r *reader) error {
	ctx, buf := context.Background(), make([]byte, r.size)
	for !r.done {
		n, err := c.Receive(ctx, buf)
		if err != nil {
			return err
		}
		if err := r.check(buf[:n]); err != nil {
			return err
		}
	}
	return nil
}
