// Package grpc is the contestant for gRPC (google.golang.org/grpc) over a Unix socket, as its performance guide advises: one connection and
// one long-lived stream, from the client to the server one way, in both directions for round trips. The sending process is the client.
//
// Messages are bytes as they are, by a codec of ours, and not protocol buffers. gRPC puts several messages into one write by itself, so
// batches change nothing. It waits in Go's poller whatever WAIT says. CAP is the flow control's window.
package grpc
