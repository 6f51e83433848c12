package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/cloudwego/shmipc-go"

	"shmpipe/bench/trial"
)

// sessions is shmipc-go: a session over a Unix socket, one stream of it for both directions. A message is written to the stream's buffer in
// shared memory and flushed; of a batch, all are written before one flush.
type sessions struct{}

func (sessions) Create(j trial.Job, _ int) (trial.Handle, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", filepath.Join(dir, "socket"))
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	h := &sessionHandle{job: j, dir: dir, listener: l, came: make(chan accepted, 1)}
	go h.accept()
	return h, nil
}

// accept takes the other process's stream.
func (h *sessionHandle) accept() {
	a := accepted{}
	defer func() { h.came <- a }()
	conn, err := h.listener.Accept()
	if err != nil {
		a.err = err
		return
	}
	if h.session, a.err = shmipc.Server(conn, h.config()); a.err == nil {
		a.stream, a.err = h.session.AcceptStream()
	}
	if a.err == nil {
		_, a.err = a.stream.BufferReader().ReadBytes(len(hello))
		a.stream.BufferReader().ReleasePreviousRead()
	}
}

// hello makes the stream known to the side that accepts it, so that it may speak first.
const hello = "hello..."

func (h *sessionHandle) config() *shmipc.Config {
	c := shmipc.DefaultConfig()
	c.LogOutput = io.Discard
	c.ShareMemoryPathPrefix = "/dev/shm/" + filepath.Base(h.dir) // the same in both processes
	c.QueuePath = c.ShareMemoryPathPrefix + "_queue"
	return c
}

func (sessions) Open(j trial.Job, text string, _ []*os.File) (trial.Handle, error) {
	h := &sessionHandle{job: j, dir: text, came: make(chan accepted, 1)}
	c := shmipc.DefaultSessionManagerConfig()
	c.Config = h.config()
	c.Network, c.Address, c.SessionNum = "unix", filepath.Join(text, "socket"), 1
	m, err := shmipc.NewSessionManager(c)
	if err != nil {
		return nil, fmt.Errorf("open session: %w", err)
	}
	h.manager = m
	s, err := m.GetStream()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open stream: %w", err), m.Close())
	}
	if _, err = s.BufferWriter().WriteBytes([]byte(hello)); err == nil {
		err = s.Flush(false)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("say hello: %w", err), m.Close())
	}
	h.came <- accepted{stream: s}
	return h, nil
}

type accepted struct {
	stream *shmipc.Stream
	err    error
}

type sessionHandle struct {
	job      trial.Job
	dir      string
	listener net.Listener
	session  *shmipc.Session
	manager  *shmipc.SessionManager
	came     chan accepted
}

func (h *sessionHandle) Files() []*os.File { return nil }
func (h *sessionHandle) Text() string      { return h.dir }

func (h *sessionHandle) Sender(int) (trial.Sender, error)     { return &sessionEnd{handle: h}, nil }
func (h *sessionHandle) Receiver(int) (trial.Receiver, error) { return &sessionEnd{handle: h}, nil }

func (h *sessionHandle) Remove(ending bool) error {
	if h.listener == nil || !ending {
		return nil
	}
	err := os.RemoveAll(h.dir)
	// The other process makes these, and nobody removes them if it is killed.
	left, _ := filepath.Glob(h.config().ShareMemoryPathPrefix + "_*")
	for _, path := range left {
		if e := os.Remove(path); !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

func (h *sessionHandle) Close() error {
	if h.manager != nil {
		return h.manager.Close()
	}
	err := h.listener.Close()
	if h.session != nil {
		err = errors.Join(err, h.session.Close())
	}
	return errors.Join(err, h.Remove(true))
}

type sessionEnd struct {
	handle *sessionHandle
	stream *shmipc.Stream
}

func (e *sessionEnd) ready() (*shmipc.Stream, error) {
	if e.stream == nil {
		a := <-e.handle.came
		e.handle.came <- a // for the other direction
		if a.err != nil {
			return nil, fmt.Errorf("stream: %w", a.err)
		}
		e.stream = a.stream
	}
	return e.stream, nil
}

func (e *sessionEnd) Send(msg []byte) error { return e.send([][]byte{msg}) }

func (e *sessionEnd) SendBatch(msgs [][]byte) error { return e.send(msgs) }

func (e *sessionEnd) send(msgs [][]byte) error {
	s, err := e.ready()
	if err != nil {
		return err
	}
	w := s.BufferWriter()
	for _, m := range msgs {
		if _, err := w.WriteBytes(m); err != nil {
			return err
		}
	}
	// A full queue is an error, and what was written stays in the buffer.
	for pause := time.Duration(0); ; pause = min(pause+time.Microsecond, 100*time.Microsecond) {
		if err = s.Flush(false); !errors.Is(err, shmipc.ErrQueueFull) {
			return err
		}
		if pause == 0 {
			runtime.Gosched()
		} else {
			time.Sleep(pause)
		}
	}
}

func (e *sessionEnd) Receive(fn func([]byte) error, most int) error {
	s, err := e.ready()
	if err != nil {
		return err
	}
	r := s.BufferReader()
	for n := 0; n == 0 || n < most && r.Len() >= e.handle.job.Size; n++ {
		b, err := r.ReadBytes(e.handle.job.Size)
		if err != nil {
			return err
		}
		if err := fn(b); err != nil {
			return err
		}
	}
	r.ReleasePreviousRead()
	return nil
}

func (e *sessionEnd) Close() error { return nil }
