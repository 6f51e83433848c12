package contest

import "shmpipe/bench/trial"

// readAhead is how many bytes a reader of a stream asks for at once, if messages are not larger.
const readAhead = 64 << 10

// streamSender writes each message, or each batch, at once.
type streamSender struct{ waiting }

func newStreamSender(w waiting, _ trial.Job) trial.Sender { return &streamSender{w} }

func (s *streamSender) Send(msg []byte) error { return s.write(msg) }

func (s *streamSender) SendAll(j trial.Job, from, to uint64, pattern []byte) error {
	return writeAll(s.write, j, from, to, pattern)
}

// writeAll writes each batch, in one piece, at once.
func writeAll(write func([]byte) error, j trial.Job, from, to uint64, pattern []byte) error {
	size, n := len(pattern), j.Batch()
	all := make([]byte, 0, n*size)
	for range n {
		all = append(all, pattern...)
	}
	for i := from; i < to; {
		n := min(uint64(n), to-i)
		for k := range n {
			trial.Stamp(all[int(k)*size:int(k+1)*size], i+k)
		}
		if err := write(all[:int(n)*size]); err != nil {
			return err
		}
		i += n
	}
	return nil
}

func (*streamSender) Close() error { return nil } // the handle closes the descriptor

// streamReceiver reads as much as there is, and cuts it into messages.
type streamReceiver struct {
	waiting
	size       int
	buf        []byte
	start, end int // of what was read and not delivered
}

func newStreamReceiver(w waiting, j trial.Job) trial.Receiver {
	return &streamReceiver{waiting: w, size: j.Size, buf: make([]byte, max(readAhead, j.Size))}
}

// fill reads until there is a message.
func (r *streamReceiver) fill() error {
	for r.end-r.start < r.size {
		if r.start > 0 { // to the front with the piece of a message
			r.end = copy(r.buf, r.buf[r.start:r.end])
			r.start = 0
		}
		n, err := r.read(r.buf[r.end:])
		if err != nil {
			return err
		}
		r.end += n
	}
	return nil
}

func (r *streamReceiver) Receive(fn func(msg []byte) error, most int) error {
	if err := r.fill(); err != nil {
		return err
	}
	for ; most > 0 && r.end-r.start >= r.size; most-- {
		msg := r.buf[r.start : r.start+r.size]
		r.start += r.size
		if err := fn(msg); err != nil {
			return err
		}
	}
	return nil
}

func (r *streamReceiver) ReceiveAll(check *trial.Checker, until uint64) error {
	for check.Seen() < until {
		if err := r.fill(); err != nil {
			return err
		}
		for check.Seen() < until && r.end-r.start >= r.size {
			if err := check.Check(r.buf[r.start : r.start+r.size]); err != nil {
				return err
			}
			r.start += r.size
		}
	}
	return nil
}

func (*streamReceiver) Close() error { return nil }
