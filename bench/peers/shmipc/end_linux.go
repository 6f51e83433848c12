package shmipc

import (
	"encoding/binary"
	"fmt"

	shmipc "github.com/cloudwego/shmipc-go"

	"shmpipe/bench/trial"
)

// end is a stream as a receiver or a sender. One goroutine uses it. The handle closes it.
type end struct {
	plan    plan
	both    bool // messages go both ways
	session *shmipc.Session
	stream  *shmipc.Stream // nil on the server until the first message came
	one     [1][]byte      // for a batch of one

	credit     int // the sender's: messages that it may send
	unanswered int // the receiver's: messages since its last reply
}

func newEnd(j trial.Job, p plan, s *shmipc.Session) *end {
	return &end{plan: p, both: j.Mode == trial.RoundTrip, session: s, credit: p.window}
}

// Close reports if the stream went another way than it should have.
func (e *end) Close() error {
	_, stability, _ := e.session.GetMetrics()
	if n := stability.FallbackWriteCount + stability.FallbackReadCount; n > 0 {
		return fmt.Errorf("%d messages went through the socket and not through shared memory", n)
	}
	return nil
}

func (e *end) Send(msg []byte) error {
	e.one[0] = msg
	return e.SendBatch(e.one[:])
}

func (e *end) SendBatch(msgs [][]byte) error {
	for len(msgs) > 0 {
		n := min(len(msgs), e.plan.perFlush)
		if !e.both {
			if err := e.await(n); err != nil {
				return err
			}
		}
		if err := e.flush(msgs[:n]); err != nil {
			return err
		}
		msgs = msgs[n:]
	}
	return nil
}

// await waits until the receiver has read so much that n messages may be sent.
func (e *end) await(n int) error {
	for e.credit < n {
		r := e.stream.BufferReader()
		if _, err := r.ReadBytes(1); err != nil {
			return fmt.Errorf("wait for the receiver: %w", err)
		}
		r.ReleasePreviousRead()
		e.credit += e.plan.reply
	}
	e.credit -= n
	return nil
}

// flush writes messages, as many as go into a slice at a time, and sends them together.
func (e *end) flush(msgs [][]byte) error {
	w := e.stream.BufferWriter()
	for len(msgs) > 0 {
		n := min(len(msgs), e.plan.perSlice)
		room, err := w.Reserve(n * (prefix + len(msgs[0])))
		if err != nil {
			return fmt.Errorf("reserve: %w", err)
		}
		for _, m := range msgs[:n] {
			binary.NativeEndian.PutUint32(room, uint32(len(m)))
			room = room[prefix+copy(room[prefix:], m):]
		}
		msgs = msgs[n:]
	}
	if err := e.stream.Flush(false); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

// greeted takes the client's first message, which is empty.
func (e *end) greeted() error {
	return e.read(func(msg []byte) error {
		if len(msg) != 0 {
			return fmt.Errorf("the first message has %d bytes, want none", len(msg))
		}
		return nil
	})
}

func (e *end) Receive(fn func(msg []byte) error, _ int) error {
	if err := e.read(fn); err != nil {
		return err
	}
	if e.both {
		return nil
	}
	if e.unanswered++; e.unanswered == e.plan.reply {
		e.unanswered = 0
		return e.reply()
	}
	return nil
}

// read waits for a message, gives it to fn in place, and gives its memory back.
func (e *end) read(fn func(msg []byte) error) error {
	if e.stream == nil {
		var err error
		if e.stream, err = e.session.AcceptStream(); err != nil {
			return fmt.Errorf("accept a stream: %w", err)
		}
	}
	r := e.stream.BufferReader()
	head, err := r.ReadBytes(prefix)
	if err != nil {
		return fmt.Errorf("read a length: %w", err)
	}
	msg, err := r.ReadBytes(int(binary.NativeEndian.Uint32(head)))
	if err != nil {
		return fmt.Errorf("read a message: %w", err)
	}
	if err := fn(msg); err != nil {
		return err
	}
	if e.both {
		e.stream.ReleaseReadAndReuse()
	} else {
		r.ReleasePreviousRead()
	}
	return nil
}

// reply tells the sender that messages were read.
func (e *end) reply() error {
	if err := e.stream.BufferWriter().WriteByte(1); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	if err := e.stream.Flush(false); err != nil {
		return fmt.Errorf("reply: %w", err)
	}
	return nil
}
