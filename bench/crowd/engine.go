package crowd

import (
	"context"
	"errors"
	"fmt"
	"os"

	"shmpipe"
)

// engine is shmpipe.
type engine struct {
	mode    shmpipe.Mode
	batch   int  // messages sent at once; up to four times as many are received at once
	copyOut bool // receive a copy of each message instead of reading it in place
	granule int  // bytes; 0 = the default
	shift   int  // of the words, with a granule
}

func (e engine) alone() bool { return e.mode == shmpipe.SPSC }

func (e engine) describe() string {
	text := fmt.Sprintf("shmpipe, %v", e.mode)
	if e.granule > 0 {
		text += fmt.Sprintf(", granules of %d bytes, words shifted by %d", e.granule, e.shift)
	}
	if e.batch > 1 {
		text += fmt.Sprintf(", batches of %d", e.batch)
	}
	if e.copyOut {
		text += ", messages copied out"
	}
	return text
}

func (e engine) create(j job) (queue, error) {
	made, err := shmpipe.Create("crowd", shmpipe.Geometry{Mode: e.mode, Capacity: j.Ring, Granule: e.granule, WordShift: e.shift}, j.options())
	if err != nil {
		return queue{}, err
	}
	info, err := made.Info()
	if err == nil && j.Size > info.MaxMessage {
		err = cannotf("message of %d bytes: a ring of %d bytes takes %d at most", j.Size, info.Capacity, info.MaxMessage)
	}
	var f *os.File
	if err == nil {
		f, err = made.File()
	}
	if err != nil {
		return queue{}, errors.Join(err, made.Close())
	}
	return queue{files: []*os.File{f}, bytes: j.Ring, Closer: made}, nil
}

func (e engine) producer(j job, files []*os.File) (producer, error) {
	open, err := shmpipe.OpenFile(files[0], j.options())
	if err != nil {
		return nil, err
	}
	out, err := open.Producer()
	return engineProducer{out, e}, err
}

func (e engine) consumer(j job, files []*os.File) (consumer, error) {
	open, err := shmpipe.OpenFile(files[0], j.options())
	if err != nil {
		return nil, err
	}
	in, err := open.Consumer()
	return engineConsumer{in, e}, err
}

type engineProducer struct {
	*shmpipe.Producer
	engine
}

func (p engineProducer) send(w *writer) error {
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

func (p engineProducer) sendBatches(w *writer) error {
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

func (p engineProducer) trySend(msg []byte) (bool, error) {
	err := p.TrySend(msg)
	if err == shmpipe.ErrFull {
		return false, nil
	}
	return err == nil, err
}

type engineConsumer struct {
	*shmpipe.Consumer
	engine
}

func (c engineConsumer) receive(r *reader) error {
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

func (c engineConsumer) receiveBatches(r *reader) error {
	ctx := context.Background()
	for !r.done {
		if _, err := c.Poll(ctx, 4*c.batch, r.check); err != nil {
			return err
		}
	}
	return nil
}

func (c engineConsumer) receiveCopies(r *reader) error {
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
