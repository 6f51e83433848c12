package contest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"shmpipe"
	"shmpipe/bench/trial"
)

// shm is shmpipe itself.
type shm struct {
	backend shmpipe.Backend
	mode    shmpipe.Mode
}

// options are those of both processes. The way of waiting is what the documentation advises for a processor each: adaptive where messages
// flow, spinning where the time of a single one counts. What it costs to wait for one that does not come is asked of the latter too: who
// has the low round trip pays that price, like everybody else who spins.
//
// Adaptive is what one gets who says nothing, and for throughput it is as good: messages flow, so nobody gets to sleep. The memory is touched
// beforehand, as for all contestants, unless its making is what is measured.
func (s shm) options(j trial.Job) *shmpipe.Options {
	o := &shmpipe.Options{Backend: s.backend, Prefault: j.Prefaults()}
	switch {
	case j.Blocks():
		o.Wait = shmpipe.WaitBlock
	case j.Mode == trial.RoundTrip || j.Mode == trial.Load || j.Mode == trial.First || j.Mode == trial.Idle:
		o.Wait = shmpipe.WaitSpin
	}
	return o
}

func (s shm) Create(j trial.Job, channels int) (trial.Handle, error) {
	o, name := s.options(j), trial.ObjectName()
	p, err := shmpipe.Create(name, shmpipe.Geometry{Mode: s.mode, Capacity: j.Capacity, Rings: channels}, o)
	if err != nil {
		return nil, absent(s.backend, err)
	}
	h := &shmHandle{job: j, pipe: p, options: o, name: name}
	if err := h.offer(); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// absent tells a kernel that lacks what a backend needs from what should have worked.
func absent(b shmpipe.Backend, err error) error {
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, unix.ENOSYS) {
		return trial.Cannot{Why: fmt.Sprintf("this kernel does not have what the backend %v needs", b)}
	}
	return err
}

func (s shm) Open(j trial.Job, text string, files []*os.File) (trial.Handle, error) {
	o := s.options(j)
	var p *shmpipe.Pipe
	var err error
	if len(files) > 0 {
		p, err = shmpipe.OpenFile(files[0], o)
	} else {
		p, err = shmpipe.Open(text, o)
	}
	if err != nil {
		return nil, err
	}
	return &shmHandle{job: j, pipe: p, options: o, files: files}, nil
}

type shmHandle struct {
	job     trial.Job
	pipe    *shmpipe.Pipe
	options *shmpipe.Options
	name    string // to be removed; "" in the process that did not create it
	files   []*os.File
}

// fits checks that a trial's messages fit into a pipe.
func fits(j trial.Job, p *shmpipe.Pipe) error {
	info, err := p.Info()
	if err != nil {
		return err
	}
	if j.Size > info.MaxMessage {
		return trial.Cannot{Why: fmt.Sprintf("messages of %d bytes: a ring of %d bytes takes up to %d", j.Size, info.Capacity, info.MaxMessage)}
	}
	return nil
}

// offer checks that messages fit and makes ready what the other process needs.
func (h *shmHandle) offer() error {
	if err := fits(h.job, h.pipe); err != nil {
		return err
	}
	if h.options.Backend == shmpipe.Memfd {
		f, err := h.pipe.File()
		if err != nil {
			return err
		}
		h.files = []*os.File{f}
	}
	return nil
}

func (h *shmHandle) Files() []*os.File { return h.files }
func (h *shmHandle) Text() string      { return h.name }

func (h *shmHandle) Receiver(direction int) (trial.Receiver, error) {
	c, err := h.pipe.ConsumerOf(direction)
	if err != nil {
		return nil, err
	}
	return &shmReceiver{c, h.job.Batch()}, nil
}

func (h *shmHandle) Sender(direction int) (trial.Sender, error) {
	p, err := h.pipe.ProducerOf(direction)
	if err != nil {
		return nil, err
	}
	return &shmSender{p}, nil
}

// Remove removes the name. Who is attached goes on undisturbed.
func (h *shmHandle) Remove(bool) error {
	if h.name == "" || h.options.Backend == shmpipe.Memfd {
		return nil
	}
	if err := shmpipe.Remove(h.name, true, h.options); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (h *shmHandle) Close() error {
	err := errors.Join(h.Remove(true), h.pipe.Close())
	for _, f := range h.files {
		err = errors.Join(err, f.Close())
	}
	return err
}

type shmSender struct{ *shmpipe.Producer }

func (s *shmSender) Send(msg []byte) error { return s.Producer.Send(context.Background(), msg) }

func (s *shmSender) SendAll(j trial.Job, from, to uint64, pattern []byte) error {
	ctx := context.Background()
	if j.Batch() > 1 {
		return s.sendBatches(ctx, from, to, trial.Patterns(len(pattern), j.Batch()))
	}
	for i := from; i < to; i++ {
		trial.Stamp(pattern, i)
		if err := s.Producer.Send(ctx, pattern); err != nil {
			return err
		}
	}
	return nil
}

func (s *shmSender) sendBatches(ctx context.Context, from, to uint64, msgs [][]byte) error {
	for i := from; i < to; {
		n := min(uint64(len(msgs)), to-i)
		for k, m := range msgs[:n] {
			trial.Stamp(m, i+uint64(k))
		}
		if _, err := s.Producer.SendBatch(ctx, msgs[:n]); err != nil {
			return err
		}
		i += n
	}
	return nil
}

type shmReceiver struct {
	*shmpipe.Consumer
	batch int
}

func (r *shmReceiver) Receive(fn func(msg []byte) error, most int) error {
	_, err := r.Consumer.Poll(context.Background(), most, fn)
	return err
}

func (r *shmReceiver) ReceiveAll(check *trial.Checker, until uint64) error {
	ctx := context.Background()
	if r.batch > 1 {
		return r.receiveBatches(ctx, check, until)
	}
	for check.Seen() < until {
		m, err := r.Consumer.Next(ctx)
		if err != nil {
			return err
		}
		if err := check.Check(m.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// receiveBatches takes some batches at once if they are there.
func (r *shmReceiver) receiveBatches(ctx context.Context, check *trial.Checker, until uint64) error {
	fn := check.Check
	for check.Seen() < until {
		if _, err := r.Consumer.Poll(ctx, min(4*r.batch, int(until-check.Seen())), fn); err != nil {
			return err
		}
	}
	return nil
}
