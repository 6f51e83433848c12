package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"shmpipe/bench/trial"
)

// streams is gRPC over a Unix socket: one stream for both directions, a message of the stream for each message, as its guide to performance
// advises for many messages. Messages are bytes: no time goes to protocol buffers.
type streams struct{}

// raw passes bytes through.
type raw struct{}

func (raw) Name() string { return "raw" }

// Marshal copies: the transport keeps what it returns until it is written, and the sender writes the next message to the same memory.
func (raw) Marshal(v any) ([]byte, error) { return append([]byte(nil), *v.(*[]byte)...), nil }

func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append((*v.(*[]byte))[:0], data...)
	return nil
}

const most = 64 << 20 // bytes of a message

var description = grpc.StreamDesc{StreamName: "messages", ClientStreams: true, ServerStreams: true}

func (streams) Create(_ trial.Job, _ int) (trial.Handle, error) {
	dir, err := folder()
	if err != nil {
		return nil, err
	}
	h := &streamHandle{dir: dir, came: make(chan grpc.Stream, 1), end: make(chan struct{})}
	l, err := net.Listen("unix", h.path())
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	served := description
	served.Handler = func(_ any, s grpc.ServerStream) error {
		h.came <- s
		<-h.end // the stream lives for as long as this call
		return nil
	}
	h.server = grpc.NewServer(grpc.ForceServerCodec(raw{}), grpc.MaxRecvMsgSize(most), grpc.MaxSendMsgSize(most))
	h.server.RegisterService(&grpc.ServiceDesc{ServiceName: "trial", HandlerType: (*any)(nil), Streams: []grpc.StreamDesc{served}}, struct{}{})
	go func() { _ = h.server.Serve(l) }() // until Stop
	return h, nil
}

func (streams) Open(_ trial.Job, text string, _ []*os.File) (trial.Handle, error) {
	h := &streamHandle{dir: text, came: make(chan grpc.Stream, 1)}
	conn, err := grpc.NewClient("unix://"+h.path(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(most), grpc.MaxCallSendMsgSize(most)))
	if err != nil {
		return nil, err
	}
	h.conn = conn
	s, err := conn.NewStream(context.Background(), &description, "/trial/messages")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open stream: %w", err), conn.Close())
	}
	h.came <- s
	return h, nil
}

type streamHandle struct {
	dir    string
	came   chan grpc.Stream
	end    chan struct{} // the server's
	server *grpc.Server
	conn   *grpc.ClientConn
}

func (h *streamHandle) path() string      { return filepath.Join(h.dir, "socket") }
func (h *streamHandle) Files() []*os.File { return nil }
func (h *streamHandle) Text() string      { return h.dir }

func (h *streamHandle) Sender(int) (trial.Sender, error) { return &streamEnd{handle: h}, nil }

func (h *streamHandle) Receiver(int) (trial.Receiver, error) { return &streamEnd{handle: h}, nil }

func (h *streamHandle) Remove(ending bool) error {
	if h.server == nil || !ending {
		return nil
	}
	return os.RemoveAll(h.dir)
}

func (h *streamHandle) Close() error {
	if h.server == nil {
		return h.conn.Close()
	}
	close(h.end)
	h.server.Stop()
	return h.Remove(true)
}

// streamEnd waits for the stream when it is used first: the other process opens it.
type streamEnd struct {
	handle *streamHandle
	stream grpc.Stream
	buf    []byte
}

func (e *streamEnd) ready() grpc.Stream {
	if e.stream == nil {
		e.stream = <-e.handle.came
		e.handle.came <- e.stream // for the other direction
	}
	return e.stream
}

func (e *streamEnd) Send(msg []byte) error { return e.ready().SendMsg(&msg) }

func (e *streamEnd) Receive(fn func([]byte) error, _ int) error {
	if err := e.ready().RecvMsg(&e.buf); err != nil {
		return err
	}
	return fn(e.buf)
}

func (e *streamEnd) Close() error { return nil }
