package main

import "gvisor.dev/gvisor/pkg/tcpip/link/sharedmem/pipe"

// sender pushes messages as the package documents it: Push reserves room, Flush makes what was pushed visible.
type sender struct {
	tx pipe.Tx
}

// send copies one message into the pipe and leaves it unflushed, unless the pipe is full.
func (s *sender) send(message []byte) {
	b := s.tx.Push(uint64(len(message)))
	for b == nil {
		// A full pipe empties only if the reader can see what is in it.
		s.tx.Flush()
		relax(1)
		b = s.tx.Push(uint64(len(message)))
	}
	copy(b, message)
}

// receiver pulls messages and gives their room back batch by batch. A pulled message is valid until the next Flush.
type receiver struct {
	rx      pipe.Rx
	batch   uint64
	pulled  uint64 // since the last Flush
	backOff uint32 // PAUSEs after the pipe was found empty, at least one
}

func newReceiver(mem []byte, batch uint64, pauses uint32) *receiver {
	r := &receiver{batch: batch, backOff: max(1, pauses)}
	r.rx.Init(mem)
	return r
}

// next waits for a message and returns it in place.
func (r *receiver) next() []byte {
	for {
		if b := r.rx.Pull(); b != nil {
			return b
		}
		// The writer may be waiting for this room.
		r.rx.Flush()
		r.pulled = 0
		relax(r.backOff)
	}
}

// done says that the message has been used.
func (r *receiver) done() {
	if r.pulled++; r.pulled >= r.batch {
		r.rx.Flush()
		r.pulled = 0
	}
}
