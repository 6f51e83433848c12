package grpc

import "google.golang.org/grpc/mem"

// message is what streams carry. A message to send has out, one that came has in.
type message struct {
	out []byte
	in  mem.Buffer
}

// codec takes messages as they are.
type codec struct{}

func (codec) Name() string { return "bytes" }

// Marshal copies: gRPC writes when it likes, and the bytes are the caller's again.
func (codec) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.Copy(v.(*message).out, mem.DefaultBufferPool())}, nil
}

// Unmarshal keeps the memory that the message came in, and copies only if it came in pieces. Whoever takes the message frees it.
func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	v.(*message).in = data.MaterializeToBuffer(mem.DefaultBufferPool())
	return nil
}
