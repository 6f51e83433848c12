package grpc

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"shmpipe/bench/trial"
)

// Transport is the contestant.
type Transport struct{}

// Crowded: the library reads and writes in goroutines of its own.
func (Transport) Crowded() {}

// Create serves.
func (Transport) Create(j trial.Job, _ int) (trial.Handle, error) { return newServer(j) }

// Open connects and opens the stream. The text is the path of the socket.
func (Transport) Open(j trial.Job, text string, _ []*os.File) (trial.Handle, error) {
	conn, err := grpc.NewClient("unix:"+text,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStaticStreamWindowSize(windowSize(j)), grpc.WithStaticConnWindowSize(windowSize(j)),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(codec{}), grpc.MaxCallRecvMsgSize(j.Size), grpc.MaxCallSendMsgSize(j.Size)),
	)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	desc := &grpc.StreamDesc{StreamName: method, ClientStreams: true, ServerStreams: j.Mode == trial.RoundTrip}
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := conn.NewStream(ctx, desc, "/"+service+"/"+method)
	if err != nil {
		cancel()
		return nil, errors.Join(fmt.Errorf("open a stream: %w", err), conn.Close())
	}
	return &client{conn: conn, end: end{stream: stream}, cancel: cancel}, nil
}

// windowSize is the window of the flow control, for the stream and for its connection. gRPC takes 64 KiB at least.
func windowSize(j trial.Job) int32 { return int32(min(j.Capacity, math.MaxInt32)) }

// client is the sending process's handle.
type client struct {
	conn   *grpc.ClientConn
	end    end
	cancel context.CancelFunc
}

func (c *client) Files() []*os.File { return nil }
func (c *client) Text() string      { return "" }

func (c *client) Receiver(int) (trial.Receiver, error) { return &c.end, nil }
func (c *client) Sender(int) (trial.Sender, error)     { return &c.end, nil }

func (c *client) Close() error {
	c.cancel() // nothing is under way any more
	return c.conn.Close()
}

// end is a stream as a receiver or a sender. The handle closes it.
type end struct {
	stream interface {
		SendMsg(m any) error
		RecvMsg(m any) error
	}
	received message
}

func (e *end) Close() error { return nil }

// Send makes a message of its own each time: gRPC may look at it later.
func (e *end) Send(msg []byte) error { return e.stream.SendMsg(&message{out: msg}) }

func (e *end) Receive(fn func(msg []byte) error, _ int) error {
	if err := e.stream.RecvMsg(&e.received); err != nil {
		return err
	}
	err := fn(e.received.in.ReadOnlyData())
	e.received.in.Free()
	return err
}
