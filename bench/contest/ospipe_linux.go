package contest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"shmpipe/bench/trial"
)

// osPipes are pipes as a Go program uses them: os.Pipe, with Go's poller behind it. There is one way of waiting only.
type osPipes struct{}

func (osPipes) Create(j trial.Job, channels int) (trial.Handle, error) {
	h := &osPipeHandle{job: j}
	for direction := range channels {
		read, write, err := os.Pipe()
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
		if direction == 0 {
			h.in[0] = read
			h.theirs = append(h.theirs, write)
		} else {
			h.out[1] = write
			h.theirs = append(h.theirs, read)
		}
	}
	return h, nil
}

func (osPipes) Open(j trial.Job, _ string, files []*os.File) (trial.Handle, error) {
	h := &osPipeHandle{job: j}
	for direction, f := range files {
		if direction == 0 {
			h.out[0] = f
		} else {
			h.in[1] = f
		}
	}
	return h, nil
}

type osPipeHandle struct {
	job     trial.Job
	in, out [2]*os.File
	theirs  []*os.File
}

func (h *osPipeHandle) Files() []*os.File { return h.theirs }
func (h *osPipeHandle) Text() string      { return "" }

func (h *osPipeHandle) Receiver(direction int) (trial.Receiver, error) {
	return &osPipeReceiver{bufio.NewReaderSize(h.in[direction], readAhead), make([]byte, h.job.Size)}, nil
}

func (h *osPipeHandle) Sender(direction int) (trial.Sender, error) {
	return osPipeSender{h.out[direction]}, nil
}

func (h *osPipeHandle) Close() error {
	var errs []error
	for _, f := range append(h.theirs, h.in[0], h.in[1], h.out[0], h.out[1]) {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

type osPipeSender struct{ to *os.File }

func (s osPipeSender) Send(msg []byte) error {
	_, err := s.to.Write(msg)
	return err
}

// SendAll writes a batch at once.
func (s osPipeSender) SendAll(j trial.Job, from, to uint64, pattern []byte) error {
	return writeAll(s.Send, j, from, to, pattern)
}

func (osPipeSender) Close() error { return nil } // the handle closes the file

type osPipeReceiver struct {
	from *bufio.Reader
	msg  []byte
}

func (r *osPipeReceiver) Receive(fn func(msg []byte) error, most int) error {
	for first := true; first || most > 0 && r.from.Buffered() >= len(r.msg); first = false {
		if _, err := io.ReadFull(r.from, r.msg); err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if err := fn(r.msg); err != nil {
			return err
		}
		most--
	}
	return nil
}

func (*osPipeReceiver) Close() error { return nil }
