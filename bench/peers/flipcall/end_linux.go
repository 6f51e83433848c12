package flipcall

import (
	"fmt"

	"gvisor.dev/gvisor/pkg/flipcall"
)

// end is one side's endpoint. One goroutine uses it.
//
// A side may write to the window while it has control. What it wrote goes out when it gives control away, which is one step with waiting
// for it. So with round trips Send only writes, and the next Receive makes the step; one way, Send of the client makes it itself.
type end struct {
	ep     *flipcall.Endpoint
	client bool
	both   bool // messages go both ways
	data   []byte
	call   func(length uint32) (uint32, error)
	total  int // messages one way
	sent   int
	ready  uint32 // bytes in the window for the other side

	late      bool // the server answers the connection when it receives: nothing must happen before the clock runs
	connected bool
	arrival   chan arrival // of the server's first message; nil if there is none to be had
}

type arrival struct {
	length uint32
	err    error
}

func (e *end) Close() error { return nil }

// connect connects the client, which waits for the server; the server answers in the background, since both must come to the gate.
func (e *end) connect() error {
	if e.connected {
		return nil
	}
	e.connected = true
	if e.client {
		if err := e.ep.Connect(); err != nil {
			return fmt.Errorf("connect: %w", err)
		}
		return nil
	}
	e.arrival = make(chan arrival, 1)
	if !e.late {
		go e.first()
	}
	return nil
}

// first answers the client's connection and waits for its first message.
func (e *end) first() {
	n, err := e.ep.RecvFirst()
	e.arrival <- arrival{n, err}
}

// wait gives control away, if this side has it, and waits to get it back with a message.
func (e *end) wait() (uint32, error) {
	if e.arrival == nil {
		n := e.ready
		e.ready = 0
		return e.call(n)
	}
	if e.late {
		e.first()
	}
	a := <-e.arrival
	e.arrival = nil
	return a.length, a.err
}

func (e *end) Receive(fn func(msg []byte) error, _ int) error {
	n, err := e.wait()
	if err != nil {
		return fmt.Errorf("receive: %w", err)
	}
	return fn(e.data[:n]) // the endpoint checked the length
}

func (e *end) Send(msg []byte) error {
	n := uint32(copy(e.data, msg))
	e.sent++
	var err error
	switch {
	case e.sent == e.total && !(e.client && e.both):
		err = e.ep.SendLast(n) // nothing comes back any more
	case e.both:
		e.ready = n
	default:
		_, err = e.call(n)
	}
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}
