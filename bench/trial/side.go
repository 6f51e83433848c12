package trial

// side is one process's part of a trial, or one goroutine's.
type side struct {
	job     Job
	page    page
	peer    int // process whose CPU time tells what waiting costs: the receiving one
	handle  Handle
	rx      Receiver
	tx      Sender
	inside  bool // both sides are in one process: the receiving one counts the CPU time
	crowded bool // the contestant has goroutines of its own: see [Crowded]
}

// openReceiving opens what the receiving side needs.
func (s *side) openReceiving() (err error) {
	if s.rx, err = s.handle.Receiver(0); err != nil {
		return err
	}
	if s.job.Mode == RoundTrip {
		s.tx, err = s.handle.Sender(1)
	}
	return err
}

// openSending opens what the sending side needs.
func (s *side) openSending() (err error) {
	if s.tx, err = s.handle.Sender(0); err != nil {
		return err
	}
	if s.job.Mode == RoundTrip {
		s.rx, err = s.handle.Receiver(1)
	}
	return err
}

// close closes the ends and returns the first error.
func (s *side) close() error {
	var first error
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	if s.tx != nil {
		note(s.tx.Close())
	}
	if s.rx != nil {
		note(s.rx.Close())
	}
	return first
}

// channels is how many directions the job needs.
func (j Job) channels() int {
	if j.Mode == RoundTrip {
		return 2
	}
	return 1
}

// receiveAll receives until the checker has seen until messages.
type receiveAll func(check *Checker, until uint64) error

// receiveFunc is the contestant's own loop, if it has one, and else a plain one.
func receiveFunc(rx Receiver) receiveAll {
	if own, ok := rx.(AllReceiver); ok {
		return own.ReceiveAll
	}
	return func(check *Checker, until uint64) error {
		fn := check.Check
		for check.Seen() < until {
			if err := rx.Receive(fn, int(until-check.Seen())); err != nil {
				return err
			}
		}
		return nil
	}
}

// sendAll sends all messages of a job.
func sendAll(j Job, tx Sender) error {
	pattern := Pattern(j.Size)
	count := uint64(j.Count)
	if own, ok := tx.(AllSender); ok {
		return own.SendAll(j, 0, count, pattern)
	}
	if b, ok := tx.(Batcher); ok && j.Batch() > 1 {
		return sendBatches(b, count, Patterns(j.Size, j.Batch()))
	}
	for i := range count {
		Stamp(pattern, i)
		if err := tx.Send(pattern); err != nil {
			return err
		}
	}
	return nil
}

func sendBatches(tx Batcher, count uint64, msgs [][]byte) error {
	for i := uint64(0); i < count; {
		n := min(uint64(len(msgs)), count-i)
		for k, m := range msgs[:n] {
			Stamp(m, i+uint64(k))
		}
		if err := tx.SendBatch(msgs[:n]); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// Patterns are n messages, one behind the other in memory.
func Patterns(size, n int) [][]byte {
	all := make([]byte, 0, n*size)
	msgs := make([][]byte, n)
	for i := range msgs {
		all = append(all, Pattern(size)...)
		msgs[i] = all[i*size : (i+1)*size : (i+1)*size]
	}
	return msgs
}
