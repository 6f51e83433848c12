package shmipc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	shmipc "github.com/cloudwego/shmipc-go"

	"shmpipe/bench/peers/internal/socketdir"
	"shmpipe/bench/trial"
)

// Transport is the contestant.
type Transport struct{}

// silent is the level above all of the library's messages. It would write them to standard output, where the results go.
const silent = 5

func configure(c *shmipc.Config, p plan) {
	shmipc.SetLogLevel(silent)
	c.LogOutput = io.Discard
	p.shape(c)
}

// server is the receiving process's handle.
type server struct {
	job      trial.Job
	plan     plan
	dir      socketdir.Dir
	listener net.Listener
	session  *shmipc.Session // nil until the client has come
	end      *end
}

// Crowded: the library reads and writes in goroutines of its own.
func (Transport) Crowded() {}

// Create listens.
func (Transport) Create(j trial.Job, _ int) (trial.Handle, error) {
	p, err := newPlan(j)
	if err != nil {
		return nil, err
	}
	dir, err := socketdir.Make()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", dir.Socket())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen: %w", err), dir.Remove())
	}
	return &server{job: j, plan: p, dir: dir, listener: listener}, nil
}

// open waits for the client. Its stream is there with its first message: unless that one is measured, the client sends an empty one.
func (s *server) open() (*end, error) {
	if s.end != nil {
		return s.end, nil
	}
	conn, err := s.listener.Accept()
	if err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	c := shmipc.DefaultConfig()
	configure(c, s.plan)
	if s.session, err = shmipc.Server(conn, c); err != nil {
		return nil, errors.Join(fmt.Errorf("make a session: %w", err), conn.Close())
	}
	s.end = newEnd(s.job, s.plan, s.session)
	if s.job.Mode == trial.First {
		return s.end, nil
	}
	return s.end, s.end.greeted()
}

func (s *server) Files() []*os.File { return nil }
func (s *server) Text() string      { return s.dir.Socket() }

func (s *server) Receiver(int) (trial.Receiver, error) { return s.open() }
func (s *server) Sender(int) (trial.Sender, error)     { return s.open() }

// Remove removes the path of the socket, which nobody needs once the client is connected.
func (s *server) Remove(bool) error { return s.dir.Remove() }

func (s *server) Close() error {
	err := s.listener.Close()
	if s.session != nil {
		err = errors.Join(err, s.session.Close())
	}
	return errors.Join(err, s.dir.Remove())
}
