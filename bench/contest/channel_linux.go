package contest

import (
	"errors"
	"os"

	"shmpipe/bench/trial"
)

// goChannels are channels of Go between two goroutines of one process, as a reference. Messages are copied to buffers that go round: a
// buffer comes up again when the channel must have delivered one more message than it can hold since.
type goChannels struct{}

func (goChannels) Single()  {}
func (goChannels) Crowded() {}

func (goChannels) Create(j trial.Job, channels int) (trial.Handle, error) {
	const most = 65536 // messages
	h, pattern := &goChannelHandle{}, trial.Pattern(j.Size)
	for range channels {
		n := max(1, min(j.Capacity/j.Size, most))
		c := goChannel{messages: make(chan []byte, n), buffers: make([][]byte, n+2)}
		memory := make([]byte, (n+2)*j.Size)
		for i := range c.buffers {
			c.buffers[i] = memory[i*j.Size : (i+1)*j.Size : (i+1)*j.Size]
			if j.Prefaults() {
				copy(c.buffers[i], pattern)
			}
		}
		h.channels = append(h.channels, c)
	}
	return h, nil
}

func (goChannels) Open(trial.Job, string, []*os.File) (trial.Handle, error) {
	return nil, errors.ErrUnsupported
}

type goChannelHandle struct{ channels []goChannel }

func (*goChannelHandle) Files() []*os.File { return nil }
func (*goChannelHandle) Text() string      { return "" }
func (*goChannelHandle) Close() error      { return nil }

func (h *goChannelHandle) Receiver(direction int) (trial.Receiver, error) {
	return &h.channels[direction], nil
}

func (h *goChannelHandle) Sender(direction int) (trial.Sender, error) {
	return &goSender{goChannel: &h.channels[direction]}, nil
}

type goChannel struct {
	messages chan []byte
	buffers  [][]byte
}

func (c *goChannel) Receive(fn func(msg []byte) error, _ int) error { return fn(<-c.messages) }

func (c *goChannel) ReceiveAll(check *trial.Checker, until uint64) error {
	for check.Seen() < until {
		if err := check.Check(<-c.messages); err != nil {
			return err
		}
	}
	return nil
}

func (*goChannel) Close() error { return nil }

type goSender struct {
	*goChannel
	next int
}

func (s *goSender) Send(msg []byte) error {
	b := s.buffers[s.next]
	if s.next++; s.next == len(s.buffers) {
		s.next = 0
	}
	s.messages <- b[:copy(b, msg)]
	return nil
}
