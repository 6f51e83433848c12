package contest

import (
	"fmt"

	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
)

// packetSender sends each message as a packet.
type packetSender struct {
	waiting
	batch *packetBatch
}

func newPacketSender(w waiting, j trial.Job) trial.Sender {
	return &packetSender{w, newPacketBatch(j.Batch())}
}

func (s *packetSender) Send(msg []byte) error {
	for tries := 0; ; {
		n, err := unix.Write(s.fd, msg)
		if err == nil && n == len(msg) {
			return nil
		}
		if err == nil {
			return fmt.Errorf("write: %d bytes of %d went out", n, len(msg))
		}
		if !again(err, &tries) {
			return tooLarge(err, len(msg))
		}
	}
}

// SendBatch sends with sendmmsg.
func (s *packetSender) SendBatch(msgs [][]byte) error {
	s.batch.point(msgs)
	for at, tries := 0, 0; at < len(msgs); {
		n, err := s.batch.send(s.fd, at, len(msgs))
		if err != nil && !again(err, &tries) {
			return tooLarge(err, len(msgs[0]))
		}
		at += n
	}
	return nil
}

// tooLarge tells a size that the kernel does not take, or has no memory for, from what should have worked.
func tooLarge(err error, size int) error {
	if err == unix.EMSGSIZE || err == unix.ENOBUFS {
		return fmt.Errorf("send: %w", trial.Cannot{Why: fmt.Sprintf("a packet of %d bytes is more than the socket's buffer takes: %v", size, err)})
	}
	return fmt.Errorf("send: %w", err)
}

func (*packetSender) Close() error { return nil } // the handle closes the descriptor

// packetReceiver receives packets, several at once if batches are asked for.
type packetReceiver struct {
	waiting
	buf   []byte
	batch *packetBatch
	bufs  [][]byte
}

// newPacketReceiver has one byte more than a message needs, so that a packet that is too long is noticed.
func newPacketReceiver(w waiting, j trial.Job) trial.Receiver {
	r := &packetReceiver{waiting: w, buf: make([]byte, j.Size+1)}
	if j.Batch() > 1 {
		r.batch = newPacketBatch(j.Batch())
		for range j.Batch() {
			r.bufs = append(r.bufs, make([]byte, j.Size+1))
		}
		r.batch.point(r.bufs)
	}
	return r
}

func (r *packetReceiver) Receive(fn func(msg []byte) error, most int) error {
	if r.batch == nil {
		n, err := r.read(r.buf)
		if err != nil {
			return err
		}
		return fn(r.buf[:n])
	}
	for tries := 0; ; {
		n, err := r.batch.receive(r.fd, min(most, len(r.bufs)))
		if err == nil {
			return r.give(n, fn)
		}
		if !again(err, &tries) {
			return fmt.Errorf("recvmmsg: %w", err)
		}
	}
}

func (r *packetReceiver) give(n int, fn func(msg []byte) error) error {
	for i := range n {
		if err := fn(r.bufs[i][:r.batch.length(i)]); err != nil {
			return err
		}
	}
	return nil
}

func (r *packetReceiver) ReceiveAll(check *trial.Checker, until uint64) error {
	fn := check.Check
	for check.Seen() < until {
		if r.batch != nil {
			if err := r.Receive(fn, int(until-check.Seen())); err != nil {
				return err
			}
			continue
		}
		n, err := r.read(r.buf)
		if err == nil {
			err = check.Check(r.buf[:n])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (*packetReceiver) Close() error { return nil }
