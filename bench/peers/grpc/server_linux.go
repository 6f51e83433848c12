package grpc

import (
	"errors"
	"fmt"
	"net"
	"os"

	"google.golang.org/grpc"

	"shmpipe/bench/peers/internal/socketdir"
	"shmpipe/bench/trial"
)

const (
	service = "shmpipe.bench.Messages"
	method  = "Stream"
)

// server is the receiving process's handle.
type server struct {
	dir     socketdir.Dir
	grpc    *grpc.Server
	streams chan grpc.ServerStream
	stream  grpc.ServerStream
	over    chan struct{} // closed when the stream may end
	served  chan error
}

// newServer serves on a socket of its own. One stream will come.
func newServer(j trial.Job) (trial.Handle, error) {
	dir, err := socketdir.Make()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", dir.Socket())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen: %w", err), dir.Remove())
	}
	s := &server{dir: dir, streams: make(chan grpc.ServerStream), over: make(chan struct{}), served: make(chan error, 1)}
	s.grpc = grpc.NewServer(
		grpc.ForceServerCodecV2(codec{}),
		grpc.MaxRecvMsgSize(j.Size), grpc.MaxSendMsgSize(j.Size),
		grpc.StaticStreamWindowSize(windowSize(j)), grpc.StaticConnWindowSize(windowSize(j)),
	)
	s.grpc.RegisterService(&grpc.ServiceDesc{
		ServiceName: service,
		HandlerType: (*any)(nil),
		Streams:     []grpc.StreamDesc{{StreamName: method, Handler: s.handle, ClientStreams: true, ServerStreams: j.Mode == trial.RoundTrip}},
	}, s)
	go func() { s.served <- s.grpc.Serve(listener) }()
	return s, nil
}

// handle gives the stream to the goroutine that measures.
func (s *server) handle(_ any, stream grpc.ServerStream) error {
	select {
	case s.streams <- stream:
	case <-s.over:
		return nil
	}
	<-s.over
	return nil
}

// open waits for the client's stream.
func (s *server) open() *end {
	if s.stream == nil {
		s.stream = <-s.streams
	}
	return &end{stream: s.stream}
}

func (s *server) Files() []*os.File { return nil }
func (s *server) Text() string      { return s.dir.Socket() }

func (s *server) Receiver(int) (trial.Receiver, error) { return s.open(), nil }
func (s *server) Sender(int) (trial.Sender, error)     { return s.open(), nil }

// Remove removes the path of the socket, which nobody needs once the client is connected.
func (s *server) Remove(bool) error { return s.dir.Remove() }

func (s *server) Close() error {
	close(s.over)
	s.grpc.Stop()
	return errors.Join(<-s.served, s.dir.Remove())
}
