package gvisorpipe

import (
	"runtime"

	"gvisor.dev/gvisor/pkg/tcpip/link/sharedmem/pipe"

	"shmpipe/bench/trial"
	"shmpipe/futex"
)

// alone says that both processes share one CPU, as the runtime found it before anything was pinned.
var alone = runtime.NumCPU() < 2

// relax waits for n PAUSE instructions. With one CPU the other process can only run if this one gives way.
func relax(n uint32) {
	futex.Pause(n)
	if alone {
		futex.Yield()
	}
}

// sender pushes messages as the package documents it: Push reserves room, Flush makes what was pushed visible.
type sender struct {
	tx     pipe.Tx
	pauses uint32
}

func (s *sender) Close() error { return nil }

// push copies a message into the pipe and leaves it unflushed, unless the pipe is full.
func (s *sender) push(msg []byte) {
	b := s.tx.Push(uint64(len(msg)))
	for b == nil {
		// A full pipe empties only if the receiver can see what is in it.
		s.tx.Flush()
		relax(s.pauses)
		b = s.tx.Push(uint64(len(msg)))
	}
	copy(b, msg)
}

func (s *sender) Send(msg []byte) error {
	s.push(msg)
	s.tx.Flush()
	return nil
}

func (s *sender) SendAll(j trial.Job, from, to uint64, pattern []byte) error {
	batch := uint64(j.Batch())
	for i := from; i < to; {
		for end := min(i+batch, to); i < end; i++ {
			trial.Stamp(pattern, i)
			s.push(pattern)
		}
		s.tx.Flush()
	}
	return nil
}

// receiver pulls messages and gives their room back batch by batch. A pulled message is valid until the next Flush.
type receiver struct {
	rx     pipe.Rx
	batch  uint64
	pulled uint64 // since the last Flush
	pauses uint32
}

func (r *receiver) Close() error { return nil }

// flush gives the room of all pulled messages back.
func (r *receiver) flush() {
	r.rx.Flush()
	r.pulled = 0
}

// next waits for a message and returns it in place.
func (r *receiver) next() []byte {
	for {
		if b := r.rx.Pull(); b != nil {
			return b
		}
		// The sender may be waiting for this room.
		r.flush()
		relax(r.pauses)
	}
}

// done says that a message has been used.
func (r *receiver) done() {
	if r.pulled++; r.pulled >= r.batch {
		r.flush()
	}
}

func (r *receiver) Receive(fn func(msg []byte) error, _ int) error {
	if err := fn(r.next()); err != nil {
		return err
	}
	r.done()
	return nil
}

func (r *receiver) ReceiveAll(check *trial.Checker, until uint64) error {
	for check.Seen() < until {
		if err := check.Check(r.next()); err != nil {
			return err
		}
		r.done()
	}
	return nil
}
