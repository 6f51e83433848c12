package contest

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
)

// posixQueues are POSIX message queues of the kernel, one for each direction.
type posixQueues struct{}

const posixSettings = "/proc/sys/fs/mqueue/"

// posixLimit is what a message may have. A privileged process may exceed it; a user would not rely on that.
func posixLimit() int { return kernelNumber(posixSettings+"msgsize_max", 8192) }

// newQueue makes a queue for so many messages, or for as many as it may have.
func newQueue(name string, messages, size int) (*os.File, int, error) {
	if limit := posixLimit(); size > limit {
		return nil, 0, trial.Cannot{Why: fmt.Sprintf("messages of %d bytes: a POSIX message queue takes up to %d (fs.mqueue.msgsize_max)", size, limit)}
	}
	messages = max(1, min(messages, kernelNumber(posixSettings+"msg_max", 10)))
	for {
		fd, err := makeQueue(name, messages, size)
		switch {
		case err == nil:
			return file(fd, "message queue"), messages, nil
		case err == unix.EMFILE && messages > 1: // all queues of a user together have a limit too
			messages /= 2
		case err == unix.EMFILE || err == unix.ENOSYS || err == unix.ENOSPC:
			return nil, 0, trial.Cannot{Why: fmt.Sprintf("a POSIX message queue for messages of %d bytes: %v (see ulimit -q)", size, err)}
		case err != unix.EINTR:
			return nil, 0, fmt.Errorf("make a POSIX message queue for %d messages of %d bytes: %w", messages, size, err)
		}
	}
}

func (posixQueues) Create(j trial.Job, channels int) (trial.Handle, error) {
	h := &descriptors{job: j, kind: queues}
	for direction := range channels {
		f, _, err := newQueue(trial.ObjectName()+"."+strconv.Itoa(direction), j.Capacity/j.Size, j.Size)
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
		h.in[direction], h.out[direction] = f, f
		h.theirs = append(h.theirs, f)
	}
	return h, nil
}

func (posixQueues) Open(j trial.Job, _ string, files []*os.File) (trial.Handle, error) {
	h := &descriptors{job: j, kind: queues}
	copy(h.in[:], files)
	copy(h.out[:], files)
	return h, nil
}

type posixSender struct{ waiting }

func newPOSIXSender(w waiting, _ trial.Job) trial.Sender { return &posixSender{w} }

func (s *posixSender) Send(msg []byte) error {
	for tries := 0; ; {
		err := queueSend(s.fd, msg)
		if err == nil {
			return nil
		}
		if !again(err, &tries) {
			return fmt.Errorf("mq_send: %w", err)
		}
	}
}

func (*posixSender) Close() error { return nil } // the handle closes the descriptor

type posixReceiver struct {
	waiting
	buf []byte
}

func newPOSIXReceiver(w waiting, j trial.Job) trial.Receiver {
	return &oneByOne{&posixReceiver{w, make([]byte, j.Size)}}
}

func (r *posixReceiver) next() ([]byte, error) {
	for tries := 0; ; {
		n, err := queueReceive(r.fd, r.buf)
		if err == nil {
			return r.buf[:n], nil
		}
		if !again(err, &tries) {
			return nil, fmt.Errorf("mq_receive: %w", err)
		}
	}
}
