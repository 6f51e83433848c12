package contest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"shmpipe"
	"shmpipe/bench/trial"
)

// fallback is shmpipe over a message queue of the kernel: one for each direction, because a queue is one ring.
type fallback struct{ backend shmpipe.Backend }

func (f fallback) Create(j trial.Job, channels int) (trial.Handle, error) {
	h := &fallbackHandle{job: j, backend: f.backend, name: trial.ObjectName(), creator: true}
	for i := range channels {
		p, err := shmpipe.Create(h.direction(i), shmpipe.Geometry{Capacity: j.Capacity, MaxMessage: j.Size}, h.options())
		if err != nil {
			return nil, errors.Join(absent(f.backend, err), h.Close())
		}
		h.pipes = append(h.pipes, p)
	}
	return h, nil
}

func (f fallback) Open(j trial.Job, text string, _ []*os.File) (trial.Handle, error) {
	h := &fallbackHandle{job: j, backend: f.backend, name: text}
	for i := range channelsOf(j) {
		p, err := shmpipe.Open(h.direction(i), h.options())
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
		h.pipes = append(h.pipes, p)
	}
	return h, nil
}

// channelsOf is how many channels the mode of a job has.
func channelsOf(j trial.Job) int {
	if j.Mode == trial.RoundTrip {
		return 2
	}
	return 1
}

type fallbackHandle struct {
	job     trial.Job
	backend shmpipe.Backend
	name    string
	creator bool
	pipes   []*shmpipe.Pipe
}

// options are the same in all modes: a queue's waiting is the kernel's, and all that can be chosen is whether to try again for a while before it.
func (h *fallbackHandle) options() *shmpipe.Options {
	o := &shmpipe.Options{Backend: h.backend}
	if h.job.Blocks() {
		o.Wait = shmpipe.WaitBlock
	}
	return o
}

func (h *fallbackHandle) direction(i int) string { return fmt.Sprintf("%s-%d", h.name, i) }

func (h *fallbackHandle) Files() []*os.File { return nil }
func (h *fallbackHandle) Text() string      { return h.name }

func (h *fallbackHandle) Receiver(direction int) (trial.Receiver, error) {
	c, err := h.pipes[direction].Consumer()
	if err != nil {
		return nil, err
	}
	return &shmReceiver{c, h.job.Batch()}, nil
}

func (h *fallbackHandle) Sender(direction int) (trial.Sender, error) {
	p, err := h.pipes[direction].Producer()
	if err != nil {
		return nil, err
	}
	return &shmSender{p}, nil
}

// Remove removes the names. A System V queue would be gone for its users too, so that waits for the end.
func (h *fallbackHandle) Remove(ending bool) error {
	if !h.creator || !ending && h.backend == shmpipe.SysVQueue {
		return nil
	}
	var err error
	for i := range h.pipes {
		if e := shmpipe.Remove(h.direction(i), true, h.options()); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func (h *fallbackHandle) Close() error {
	err := h.Remove(true)
	for _, p := range h.pipes {
		err = errors.Join(err, p.Close())
	}
	return err
}
