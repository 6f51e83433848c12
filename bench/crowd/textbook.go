package crowd

import (
	"fmt"
	"os"

	"shmpipe/bench/vyukov"
	"shmpipe/internal/spin"
)

// textbook is the queue of package vyukov.
type textbook struct {
	pauses      uint32 // PAUSE instructions for each look in vain
	yieldsAfter int    // looks in vain after which it yields to other processes; 0 = never
}

func (textbook) alone() bool { return false }

func (t textbook) describe() string {
	text := fmt.Sprintf("bounded queue after Dmitry Vyukov in shared memory, polled with %d PAUSE", t.pauses)
	if t.yieldsAfter > 0 {
		text += fmt.Sprintf(", yields after %d looks in vain", t.yieldsAfter)
	}
	return text
}

func (textbook) create(j job) (queue, error) {
	slots := vyukov.SlotsFor(j.Ring, j.Size)
	f, err := sharedFile(vyukov.Bytes(slots, j.Size))
	if err != nil {
		return queue{}, err
	}
	q, err := vyukov.Create(f, slots, j.Size)
	if err != nil {
		f.Close()
		return queue{}, err
	}
	return queue{files: []*os.File{f}, bytes: vyukov.Bytes(slots, j.Size), Closer: q}, nil
}

func (t textbook) open(f *os.File) (*textbookEnd, error) {
	q, err := vyukov.Open(f)
	return &textbookEnd{Queue: q, textbook: t}, err
}

func (t textbook) producer(_ job, files []*os.File) (producer, error) { return t.open(files[0]) }
func (t textbook) consumer(_ job, files []*os.File) (consumer, error) { return t.open(files[0]) }

// textbookEnd is either end.
type textbookEnd struct {
	*vyukov.Queue
	textbook
	vain int // looks in vain, one after the other
}

// idle passes the time after a look in vain.
func (e *textbookEnd) idle() {
	spin.Pause(e.pauses)
	if e.yieldsAfter == 0 {
		return
	}
	if e.vain++; e.vain >= e.yieldsAfter {
		e.vain = 0
		yield()
	}
}

func (e *textbookEnd) send(w *writer) error {
	msg := w.message()
	for w.more() {
		w.stamp(msg)
		for !e.Enqueue(msg) {
			e.idle()
		}
		e.vain = 0
	}
	return nil
}

func (e *textbookEnd) trySend(msg []byte) (bool, error) { return e.Enqueue(msg), nil }

func (e *textbookEnd) receive(r *reader) error {
	buf := make([]byte, r.size)
	for !r.done {
		n, ok := e.Dequeue(buf)
		if !ok {
			e.idle()
			continue
		}
		e.vain = 0
		if err := r.check(buf[:n]); err != nil {
			return err
		}
	}
	return nil
}
