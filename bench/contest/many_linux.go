package contest

import (
	"context"
	"errors"
	"fmt"
	"os"

	"shmpipe"
	"shmpipe/bench/trial"
	"shmpipe/futex"
	"shmpipe/internal/spin"
	"shmpipe/protocol"
)

// many is N channels of shmpipe between two processes: rings of one segment, or segments of one ring. Message i goes through channel i mod
// N, and is number i/N there.
type many struct{ segments bool }

func (many) Modes() []string { return []string{trial.Channels} }

// options do without Prefault: it would make the time of creation that of clearing memory.
func (many) options(j trial.Job) *shmpipe.Options {
	o := &shmpipe.Options{Backend: shmpipe.Memfd}
	if j.Blocks() {
		o.Wait = shmpipe.WaitBlock
	}
	return o
}

func (m many) Create(j trial.Job, _ int) (trial.Handle, error) {
	rings, segments := j.Extra, 1
	if m.segments {
		rings, segments = 1, j.Extra
	}
	if rings > protocol.MaxRings {
		return nil, trial.Cannot{Why: fmt.Sprintf("%d channels: a segment has at most %d rings", rings, protocol.MaxRings)}
	}
	h := &manyHandle{job: j}
	for range segments {
		p, err := shmpipe.Create(trial.ObjectName(), shmpipe.Geometry{Capacity: j.Capacity, Rings: rings}, m.options(j))
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
		h.pipes = append(h.pipes, p)
		if err := fits(j, p); err != nil {
			return nil, errors.Join(err, h.Close())
		}
		f, err := p.File()
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
		h.files = append(h.files, f)
	}
	return h, nil
}

func (m many) Open(j trial.Job, _ string, files []*os.File) (trial.Handle, error) {
	h := &manyHandle{job: j, files: files}
	for _, f := range files {
		p, err := shmpipe.OpenFile(f, m.options(j))
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
		h.pipes = append(h.pipes, p)
	}
	return h, nil
}

type manyHandle struct {
	job   trial.Job
	pipes []*shmpipe.Pipe
	files []*os.File
}

func (h *manyHandle) Files() []*os.File { return h.files }
func (h *manyHandle) Text() string      { return "" }

// channel says where a channel is: its pipe, and its ring there.
func (h *manyHandle) channel(i int) (*shmpipe.Pipe, int) {
	if len(h.pipes) == 1 {
		return h.pipes[0], i
	}
	return h.pipes[i], 0
}

func (h *manyHandle) Receiver(int) (trial.Receiver, error) {
	r := &manyReceiver{job: h.job}
	for i := range h.job.Extra {
		p, ring := h.channel(i)
		c, err := p.ConsumerOf(ring)
		if err != nil {
			return nil, errors.Join(err, r.Close())
		}
		r.in = append(r.in, c)
	}
	return r, nil
}

func (h *manyHandle) Sender(int) (trial.Sender, error) {
	s := &manySender{}
	for i := range h.job.Extra {
		p, ring := h.channel(i)
		c, err := p.ProducerOf(ring)
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		s.out = append(s.out, c)
	}
	return s, nil
}

func (h *manyHandle) Close() error {
	var errs []error
	for _, p := range h.pipes {
		errs = append(errs, p.Close())
	}
	for _, f := range h.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

type manySender struct {
	out  []*shmpipe.Producer
	next int
}

// Send sends through one channel after the other.
func (s *manySender) Send(msg []byte) error {
	p := s.out[s.next]
	s.next = (s.next + 1) % len(s.out)
	return p.Send(context.Background(), msg)
}

func (s *manySender) SendAll(_ trial.Job, from, to uint64, pattern []byte) error {
	ctx := context.Background()
	for number := from; from < to; number++ {
		for _, p := range s.out[:min(uint64(len(s.out)), to-from)] {
			trial.Stamp(pattern, number)
			if err := p.Send(ctx, pattern); err != nil {
				return err
			}
			from++
		}
	}
	return nil
}

func (s *manySender) Close() error {
	var errs []error
	for _, p := range s.out {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

type manyReceiver struct {
	job  trial.Job
	in   []*shmpipe.Consumer
	next int
}

// Receive receives from one channel after the other.
func (r *manyReceiver) Receive(fn func(msg []byte) error, _ int) error {
	c := r.in[r.next]
	r.next = (r.next + 1) % len(r.in)
	_, err := c.Poll(context.Background(), 1, fn)
	return err
}

// ReceiveAll goes round all channels. If it should sleep, it does so at the channel whose turn it is with the sender.
func (r *manyReceiver) ReceiveAll(check *trial.Checker, until uint64) error {
	n := uint64(len(r.in))
	parts := check.Split(len(r.in))
	left := make([]uint64, n)
	for i := range left {
		left[i] = (until - check.Seen() + n - 1 - uint64(i)) / n
	}
	receive := r.round
	if r.job.Blocks() {
		receive = r.inTurn
	}
	if err := receive(parts, left); err != nil {
		return err
	}
	check.Join(parts)
	return nil
}

// round takes from each channel what is there.
func (r *manyReceiver) round(parts []*trial.Checker, left []uint64) error {
	checks := make([]func([]byte) error, len(parts))
	for i, p := range parts {
		checks[i] = p.Check
	}
	const inVain = 100 // rounds in a row, before others get the processor
	for open, idle := true, 0; open; {
		open = false
		found := 0
		for i, c := range r.in {
			if left[i] == 0 {
				continue
			}
			open = true
			n, err := c.TryPoll(int(left[i]), checks[i])
			if err == shmpipe.ErrEmpty {
				continue
			}
			if err != nil {
				return fmt.Errorf("channel %d: %w", i, err)
			}
			left[i] -= uint64(n)
			found += n
		}
		if idle++; found > 0 {
			idle = 0
		} else if spin.Pause(4); idle%inVain == 0 {
			futex.Yield()
		}
	}
	return nil
}

func (r *manyReceiver) inTurn(parts []*trial.Checker, left []uint64) error {
	ctx := context.Background()
	for left[0] > 0 {
		for i, c := range r.in {
			if left[i] == 0 {
				break // the others have had their last one too
			}
			m, err := c.Next(ctx)
			if err == nil {
				err = parts[i].Check(m.Bytes())
			}
			if err != nil {
				return fmt.Errorf("channel %d: %w", i, err)
			}
			left[i]--
		}
	}
	return nil
}

func (r *manyReceiver) Close() error {
	var errs []error
	for _, c := range r.in {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
