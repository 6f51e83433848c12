package mqueue

import (
	"bytes"
	"errors"
	"fmt"

	"shmpipe/protocol"
)

// Close gives the role back. What was returned, or was not whole yet, is left over for another receiver.
//
// If a stopped process has the table for a second, the error matches protocol.ErrBusy. The message is not lost with that: it is left over,
// and the role given back, once that process goes on or ends, unless this one ends before.
//
// Closing again does nothing.
func (r *Receiver) Close() error {
	r.closed.Store(true)
	if r.left.Swap(true) {
		return nil
	}
	err := r.leaveOver()
	if !errors.Is(err, protocol.ErrBusy) {
		r.giveTurn()
		return errors.Join(err, r.detach())
	}
	if r.back {
		r.last.payload = bytes.Clone(r.last.payload) // the user may still look at it, and write
	}
	go func() {
		for errors.Is(r.leaveOver(), protocol.ErrBusy) { // each takes a second
		}
		r.giveTurn()
		_ = r.detach() // nobody is there to tell any more
	}()
	return fmt.Errorf("%w: what is in hand goes to another receiver once that process goes on or ends; do not end this one before", err)
}

// leaveOver leaves over whatever is in hand. Where the error matches protocol.ErrBusy, the rest is still in hand, to be left over by another
// call.
func (r *Receiver) leaveOver() error {
	push := func(l leftover, inHand *bool) error {
		err := r.q.state.pushLeftover(l)
		*inHand = errors.Is(err, protocol.ErrBusy)
		return err
	}
	var errs error
	for {
		var err error
		switch {
		case r.back:
			err = push(leftover{fragment: fragment{typ: r.last.typ, total: uint32(len(r.last.payload))}, payload: r.last.payload}, &r.back)
		case r.aside != nil:
			r.last.valid = false
			if err = r.acceptAside(); err == nil && r.last.valid {
				r.putBack()
			}
		case r.partial:
			err = push(leftover{fragment: r.part, payload: r.whole, partial: true}, &r.partial)
		default:
			return errs
		}
		if errors.Is(err, protocol.ErrBusy) {
			return err
		}
		errs = errors.Join(errs, err)
	}
}

// keepAside keeps one of the queue's messages that cannot be accepted because somebody has the table.
func (r *Receiver) keepAside(b []byte) { r.aside = bytes.Clone(b) }

// acceptAside tries again.
func (r *Receiver) acceptAside() error {
	err := r.accept(r.aside)
	if !errors.Is(err, protocol.ErrBusy) {
		r.aside = nil
	}
	return err
}
