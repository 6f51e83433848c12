package contest

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
	"shmpipe/futex"
	"shmpipe/internal/spin"
)

// kind is how messages go through a descriptor.
type kind struct {
	receiver func(w waiting, j trial.Job) trial.Receiver
	sender   func(w waiting, j trial.Job) trial.Sender
}

var (
	streams = kind{newStreamReceiver, newStreamSender}
	packets = kind{newPacketReceiver, newPacketSender}
	queues  = kind{newPOSIXReceiver, newPOSIXSender}
)

// descriptors are the ends of kernel objects that one process holds, by direction.
type descriptors struct {
	job     trial.Job
	kind    kind
	in, out [2]*os.File
	theirs  []*os.File // the other process's ends
	text    string
	prepare func(h *descriptors, direction int, receiving bool) error // fills in an end when it is asked for; may be nil
	remove  func() error                                              // may be nil
}

func (h *descriptors) Files() []*os.File { return h.theirs }
func (h *descriptors) Text() string      { return h.text }

func (h *descriptors) end(direction int, receiving bool) (waiting, error) {
	if h.prepare != nil {
		if err := h.prepare(h, direction, receiving); err != nil {
			return waiting{}, err
		}
	}
	f := h.out[direction]
	if receiving {
		f = h.in[direction]
	}
	fd := int(f.Fd())
	busy := !h.job.Blocks()
	if err := unix.SetNonblock(fd, busy); err != nil {
		return waiting{}, fmt.Errorf("set how descriptor %d blocks: %w", fd, err)
	}
	return waiting{fd: fd}, nil
}

func (h *descriptors) Receiver(direction int) (trial.Receiver, error) {
	w, err := h.end(direction, true)
	if err != nil {
		return nil, err
	}
	return h.kind.receiver(w, h.job), nil
}

func (h *descriptors) Sender(direction int) (trial.Sender, error) {
	w, err := h.end(direction, false)
	if err != nil {
		return nil, err
	}
	return h.kind.sender(w, h.job), nil
}

// Remove removes names, which nobody needs once everything is open.
func (h *descriptors) Remove(bool) error {
	if h.remove == nil {
		return nil
	}
	return h.remove()
}

func (h *descriptors) Close() error {
	var errs []error
	closed := map[*os.File]bool{nil: true}
	for _, f := range append(h.theirs, h.in[0], h.in[1], h.out[0], h.out[1]) {
		if !closed[f] {
			closed[f] = true
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(append(errs, h.Remove(true))...)
}

// waiting is a descriptor, and how to wait for it: the kernel does, unless the descriptor does not block; then this side asks again and
// again.
type waiting struct{ fd int }

// again reports whether an operation is to be repeated.
func again(err error, tries *int) bool {
	switch err {
	case unix.EINTR:
		return true
	case unix.EAGAIN:
		spin.Pause(1)
		if *tries++; *tries%256 == 0 {
			futex.Yield() // there may be one processor for both sides
		}
		return true
	}
	return false
}

func (w waiting) read(b []byte) (int, error) {
	for tries := 0; ; {
		n, err := unix.Read(w.fd, b)
		if err == nil && n > 0 {
			return n, nil
		}
		if err == nil {
			return 0, fmt.Errorf("read: %w", os.ErrClosed)
		}
		if !again(err, &tries) {
			return 0, fmt.Errorf("read: %w", err)
		}
	}
}

func (w waiting) write(b []byte) error {
	for tries := 0; len(b) > 0; {
		n, err := unix.Write(w.fd, b)
		if err == nil {
			b = b[n:]
			continue
		}
		if !again(err, &tries) {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

// file makes a file of a descriptor, so that it is closed once.
func file(fd int, name string) *os.File { return os.NewFile(uintptr(fd), name) }
