package contest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
)

// tokens is slots in shared memory whose numbers go round through two POSIX message queues: the sender receives the number of a slot that
// it may write, and sends it on as one that may be read.
type tokens struct{}

const (
	tokenSize    = 8
	tokenFiles   = 3  // of a direction: memory, queue of slots to write, queue of slots to read
	tokenSlots   = 64 // what is asked for; the system has limits
	tokenReading = ".read"
	tokenWriting = ".write"
)

func (tokens) Create(j trial.Job, channels int) (trial.Handle, error) {
	n, err := slotCount(j, tokenSlots)
	if err != nil {
		return nil, err
	}
	h := &tokenHandle{job: j}
	for range channels {
		if err := h.create(n); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return h, nil
}

// create makes a direction. All slots may be written at first.
func (h *tokenHandle) create(n int) error {
	write, n, err := newQueue(trial.ObjectName()+tokenWriting, n, tokenSize)
	if err != nil {
		return err
	}
	read, m, err := newQueue(trial.ObjectName()+tokenReading, n, tokenSize)
	if err != nil {
		return errors.Join(err, write.Close())
	}
	n = min(n, m)
	memory, err := newMemory(h.job, n*slotStride(h.job.Size))
	if err != nil {
		return errors.Join(err, write.Close(), read.Close())
	}
	h.n = n
	h.files = append(h.files, memory, write, read)
	for i := range n {
		if err := (&posixSender{waiting{int(write.Fd())}}).Send(binary.NativeEndian.AppendUint64(nil, uint64(i))); err != nil {
			return err
		}
	}
	return h.attach(memory, write, read)
}

func (tokens) Open(j trial.Job, text string, files []*os.File) (trial.Handle, error) {
	all, err := numbers(text)
	if err != nil || len(all) != 1 || len(files)%tokenFiles != 0 {
		return nil, fmt.Errorf("got %d files and the text %q: want memory and two queues a direction, and a count: %w", len(files), text, errors.Join(err, os.ErrInvalid))
	}
	h := &tokenHandle{job: j, n: all[0], files: files}
	for i := 0; i < len(files); i += tokenFiles {
		if err := h.attach(files[i], files[i+1], files[i+2]); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return h, nil
}

type tokenHandle struct {
	job   trial.Job
	n     int // slots
	files []*os.File
	ways  []tokenWay // by direction
}

// tokenWay is a direction.
type tokenWay struct {
	slots
	write, read int // queues
}

func (h *tokenHandle) attach(memory, write, read *os.File) error {
	s, err := mapSlots(memory, h.job, h.n)
	if err != nil {
		return err
	}
	w := tokenWay{s, int(write.Fd()), int(read.Fd())}
	h.ways = append(h.ways, w)
	return errors.Join(unix.SetNonblock(w.write, !h.job.Blocks()), unix.SetNonblock(w.read, !h.job.Blocks()))
}

func (h *tokenHandle) Files() []*os.File { return h.files }
func (h *tokenHandle) Text() string      { return joinNumbers(h.n) }

func (h *tokenHandle) Receiver(direction int) (trial.Receiver, error) {
	w := h.ways[direction]
	return newTokenEnd(w.slots, h.n, w.read, w.write), nil
}

func (h *tokenHandle) Sender(direction int) (trial.Sender, error) {
	w := h.ways[direction]
	return newTokenEnd(w.slots, h.n, w.write, w.read), nil
}

func (h *tokenHandle) Close() error {
	var errs []error
	for _, w := range h.ways {
		errs = append(errs, w.close())
	}
	for _, f := range h.files {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}

// tokenEnd is either end: it takes tokens from one queue and gives them to the other.
type tokenEnd struct {
	slots
	n    int
	from posixReceiver
	to   posixSender
}

func newTokenEnd(s slots, n, from, to int) *tokenEnd {
	return &tokenEnd{s, n, posixReceiver{waiting{from}, make([]byte, tokenSize)}, posixSender{waiting{to}}}
}

// take returns a token and its slot. The other process wrote the token.
func (e *tokenEnd) take() (token []byte, slot int, err error) {
	token, err = e.from.next()
	if err != nil {
		return nil, 0, err
	}
	if len(token) != tokenSize {
		return nil, 0, fmt.Errorf("a token has %d bytes, want %d", len(token), tokenSize)
	}
	n := binary.NativeEndian.Uint64(token)
	if n >= uint64(e.n) {
		return nil, 0, fmt.Errorf("a token is for slot %d, want less than %d", n, e.n)
	}
	return token, int(n), nil
}

func (e *tokenEnd) Send(msg []byte) error {
	token, slot, err := e.take()
	if err != nil {
		return err
	}
	e.put(slot, msg)
	return e.to.Send(token)
}

func (e *tokenEnd) Receive(fn func(msg []byte) error, _ int) error {
	token, slot, err := e.take()
	if err != nil {
		return err
	}
	msg, err := e.get(slot)
	if err == nil {
		err = fn(msg)
	}
	if err != nil {
		return err
	}
	return e.to.Send(token)
}

func (*tokenEnd) Close() error { return nil } // the handle has all of it
