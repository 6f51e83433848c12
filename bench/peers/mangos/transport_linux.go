package mangos

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"

	"go.nanomsg.org/mangos/v3"
	"go.nanomsg.org/mangos/v3/protocol/pair"
	"go.nanomsg.org/mangos/v3/protocol/pull"
	"go.nanomsg.org/mangos/v3/protocol/push"
	_ "go.nanomsg.org/mangos/v3/transport/ipc" // the scheme of the addresses

	"shmpipe/bench/peers/internal/socketdir"
	"shmpipe/bench/trial"
)

// Transport is the contestant.
type Transport struct{}

// queueMost is how many messages a queue has at most: more do not help, and every place of a channel costs memory.
const queueMost = 4096

// pooled is the size in bytes from which on the library's messages do not come from its pool.
const pooled = 1 << 16

// collect has the garbage collector work as it does in any program, where messages are garbage: always new memory costs much more.
func collect(j trial.Job) {
	if j.Size >= pooled {
		debug.SetGCPercent(100)
	}
}

// Crowded: the library reads and writes in goroutines of its own.
func (Transport) Crowded() {}

// Create listens.
func (Transport) Create(j trial.Job, _ int) (trial.Handle, error) {
	collect(j)
	dir, err := socketdir.Make()
	if err != nil {
		return nil, err
	}
	h, err := newHandle(j, pull.NewSocket, mangos.OptionReadQLen)
	if err != nil {
		return nil, errors.Join(err, dir.Remove())
	}
	h.dir = dir
	if err := h.socket.Listen(address(dir.Socket())); err != nil {
		return nil, errors.Join(fmt.Errorf("listen: %w", err), h.Close())
	}
	return h, nil
}

// Open connects. The text is the path of the socket.
func (Transport) Open(j trial.Job, text string, _ []*os.File) (trial.Handle, error) {
	collect(j)
	h, err := newHandle(j, push.NewSocket, mangos.OptionWriteQLen)
	if err != nil {
		return nil, err
	}
	if err := h.socket.Dial(address(text)); err != nil {
		return nil, errors.Join(fmt.Errorf("connect: %w", err), h.Close())
	}
	return h, nil
}

func address(path string) string { return "ipc://" + path }

// newHandle makes a socket: a pair for round trips, else one of the kind that new makes, with the queue that it has.
func newHandle(j trial.Job, new func() (mangos.Socket, error), queue string) (*handle, error) {
	queues := []string{queue}
	if j.Mode == trial.RoundTrip {
		new, queues = pair.NewSocket, []string{mangos.OptionReadQLen, mangos.OptionWriteQLen}
	}
	s, err := new()
	if err != nil {
		return nil, fmt.Errorf("make a socket: %w", err)
	}
	h := &handle{socket: s}
	// Unless one asks for more, a message beyond 1 MiB ends the connection.
	err = s.SetOption(mangos.OptionMaxRecvSize, j.Size)
	for _, q := range queues {
		err = errors.Join(err, s.SetOption(q, min(max(j.Capacity/j.Size, 1), queueMost)))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set the options of a socket: %w", err), h.Close())
	}
	return h, nil
}

type handle struct {
	socket mangos.Socket
	dir    socketdir.Dir // only in the process that listens
}

func (h *handle) Files() []*os.File { return nil }
func (h *handle) Text() string      { return h.dir.Socket() }

func (h *handle) Receiver(int) (trial.Receiver, error) { return end{h.socket}, nil }
func (h *handle) Sender(int) (trial.Sender, error)     { return end{h.socket}, nil }

// Remove removes the path of the socket, which nobody needs once both are connected.
func (h *handle) Remove(bool) error { return h.dir.Remove() }

func (h *handle) Close() error {
	err := h.socket.Close()
	if errors.Is(err, mangos.ErrClosed) {
		err = nil
	}
	return errors.Join(err, h.dir.Remove())
}

// end is a socket as a receiver or a sender. The handle closes it.
type end struct{ socket mangos.Socket }

func (e end) Close() error { return nil }

func (e end) Send(msg []byte) error {
	m := mangos.NewMessage(len(msg))
	m.Body = append(m.Body, msg...)
	return e.socket.SendMsg(m)
}

func (e end) Receive(fn func(msg []byte) error, _ int) error {
	m, err := e.socket.RecvMsg()
	if err != nil {
		return err
	}
	err = fn(m.Body)
	m.Free()
	return err
}
