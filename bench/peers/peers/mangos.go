package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"go.nanomsg.org/mangos/v3"
	"go.nanomsg.org/mangos/v3/protocol/pull"
	"go.nanomsg.org/mangos/v3/protocol/push"
	_ "go.nanomsg.org/mangos/v3/transport/ipc" // ipc:// addresses

	"shmpipe/bench/trial"
)

// sockets is mangos (nanomsg's protocols in Go) over ipc://: a push and a pull socket for each direction, the way to send work one way. It
// batches by itself, in a queue of 128 messages at each end, its default.
type sockets struct{}

func (sockets) Create(j trial.Job, channels int) (trial.Handle, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	h := &socketHandle{dir: dir, creator: true}
	for i := range channels {
		if err := h.add(i, mangos.Socket.Listen); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return h, nil
}

func (sockets) Open(j trial.Job, text string, _ []*os.File) (trial.Handle, error) {
	h := &socketHandle{dir: text}
	channels := 1
	if j.Mode == trial.RoundTrip {
		channels = 2
	}
	for i := range channels {
		if err := h.add(i, mangos.Socket.Dial); err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return h, nil
}

type socketHandle struct {
	dir     string
	creator bool
	open    []mangos.Socket // by direction
}

// add makes our end of a direction: 0 leads to the creator, 1 from it.
func (h *socketHandle) add(direction int, attach func(mangos.Socket, string) error) error {
	receives := h.creator == (direction == 0)
	var s mangos.Socket
	var err error
	if receives {
		s, err = pull.NewSocket()
	} else {
		s, err = push.NewSocket()
	}
	if err != nil {
		return err
	}
	h.open = append(h.open, s)
	if err := attach(s, fmt.Sprintf("ipc://%s", filepath.Join(h.dir, fmt.Sprint(direction)))); err != nil {
		return fmt.Errorf("direction %d: %w", direction, err)
	}
	return nil
}

func (h *socketHandle) Files() []*os.File { return nil }
func (h *socketHandle) Text() string      { return h.dir }

func (h *socketHandle) Sender(direction int) (trial.Sender, error) {
	return &socketEnd{h.open[direction]}, nil
}

func (h *socketHandle) Receiver(direction int) (trial.Receiver, error) {
	return &socketEnd{h.open[direction]}, nil
}

// Remove removes the folder of the sockets' names, if it is ours.
func (h *socketHandle) Remove(ending bool) error {
	if !h.creator || !ending {
		return nil
	}
	return os.RemoveAll(h.dir)
}

func (h *socketHandle) Close() error {
	var err error
	for _, s := range h.open {
		if e := s.Close(); e != nil && !errors.Is(e, mangos.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return errors.Join(err, h.Remove(true))
}

type socketEnd struct{ socket mangos.Socket }

func (e *socketEnd) Send(msg []byte) error { return e.socket.Send(msg) }

func (e *socketEnd) Receive(fn func([]byte) error, _ int) error {
	m, err := e.socket.RecvMsg()
	if err != nil {
		return err
	}
	defer m.Free() // its buffers are used again
	return fn(m.Body)
}

// Close leaves the socket to the handle: what was sent may still be on its way.
func (e *socketEnd) Close() error { return nil }
