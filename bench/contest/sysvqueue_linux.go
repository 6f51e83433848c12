package contest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
)

// sysvQueues are System V message queues, one for each direction. They have no key.
type sysvQueues struct{}

func sysvLimit() int { return kernelNumber("/proc/sys/kernel/msgmax", 8192) }

func (sysvQueues) Create(j trial.Job, channels int) (trial.Handle, error) {
	if limit := sysvLimit(); j.Size > limit {
		return nil, trial.Cannot{Why: fmt.Sprintf("messages of %d bytes: a System V message queue takes up to %d (kernel.msgmax)", j.Size, limit)}
	}
	h := &sysvHandle{job: j, creator: true}
	for range channels {
		id, err := messageGet()
		if err != nil {
			return nil, errors.Join(ipcError("make a System V message queue", err), h.Close())
		}
		note(noteMessages, id)
		h.ids = append(h.ids, id)
		_ = messageCapacity(id, j.Capacity) // what the kernel does not grant is what a user would not get
	}
	return h, nil
}

// ipcError tells a system without these objects, or with too many of them already, from what should have worked.
func ipcError(what string, err error) error {
	if err == unix.ENOSYS || err == unix.ENOSPC {
		return trial.Cannot{Why: fmt.Sprintf("%s: %v", what, err)}
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (sysvQueues) Open(j trial.Job, text string, _ []*os.File) (trial.Handle, error) {
	ids, err := numbers(text)
	if err != nil {
		return nil, err
	}
	return &sysvHandle{job: j, ids: ids}, nil
}

// numbers reads what joinNumbers wrote.
func numbers(text string) ([]int, error) {
	var all []int
	for f := range strings.FieldsSeq(text) {
		n, err := strconv.Atoi(f)
		if err != nil {
			return nil, fmt.Errorf("numbers of the objects: %w", err)
		}
		all = append(all, n)
	}
	return all, nil
}

func joinNumbers(all ...int) string { return strings.Trim(fmt.Sprint(all), "[]") }

type sysvHandle struct {
	job     trial.Job
	ids     []int // of the queues, by direction
	creator bool
}

func (h *sysvHandle) Files() []*os.File { return nil }
func (h *sysvHandle) Text() string      { return joinNumbers(h.ids...) }

// flags are those of each call.
func (h *sysvHandle) flags() int {
	if h.job.Blocks() {
		return 0
	}
	return unix.IPC_NOWAIT
}

func (h *sysvHandle) buffer() []byte {
	b := make([]byte, messageType+h.job.Size)
	binary.NativeEndian.PutUint64(b, 1)
	return b
}

func (h *sysvHandle) Receiver(direction int) (trial.Receiver, error) {
	return &oneByOne{&sysvReceiver{h.ids[direction], h.flags(), h.buffer()}}, nil
}

func (h *sysvHandle) Sender(direction int) (trial.Sender, error) {
	return &sysvSender{h.ids[direction], h.flags(), h.buffer()}, nil
}

// Remove removes the queues at the end only: whoever uses one that is removed gets an error.
func (h *sysvHandle) Remove(ending bool) error {
	if !ending || !h.creator {
		return nil
	}
	var errs []error
	for _, id := range h.ids {
		if err := messageRemove(id); err != nil && err != unix.EINVAL && err != unix.EIDRM { // removed before
			errs = append(errs, fmt.Errorf("remove System V message queue %d: %w", id, err))
			continue
		}
		forget(noteMessages, id)
	}
	return errors.Join(errs...)
}

func (h *sysvHandle) Close() error { return h.Remove(true) }

type sysvSender struct {
	id, flags int
	buf       []byte // with the type
}

func (s *sysvSender) Send(msg []byte) error {
	return s.send(s.buf[:messageType+copy(s.buf[messageType:], msg)])
}

func (s *sysvSender) send(b []byte) error {
	for tries := 0; ; {
		err := messageSend(s.id, b, s.flags)
		if err == nil {
			return nil
		}
		if !again(err, &tries) {
			return fmt.Errorf("msgsnd: %w", err)
		}
	}
}

// SendAll makes its messages behind the type, where the kernel wants them.
func (s *sysvSender) SendAll(_ trial.Job, from, to uint64, pattern []byte) error {
	copy(s.buf[messageType:], pattern)
	for i := from; i < to; i++ {
		trial.Stamp(s.buf[messageType:], i)
		if err := s.send(s.buf); err != nil {
			return err
		}
	}
	return nil
}

func (*sysvSender) Close() error { return nil }

type sysvReceiver struct {
	id, flags int
	buf       []byte // with the type
}

func (r *sysvReceiver) next() ([]byte, error) {
	for tries := 0; ; {
		n, err := messageReceive(r.id, r.buf, r.flags)
		if err == nil {
			return r.buf[messageType : messageType+n], nil
		}
		if err == unix.ENOMSG { // what EAGAIN is elsewhere
			err = unix.EAGAIN
		}
		if !again(err, &tries) {
			return nil, fmt.Errorf("msgrcv: %w", err)
		}
	}
}
