// Package flipcall is the contestant for gVisor's flipcall (gvisor.dev/gvisor/pkg/flipcall): procedure calls between processes, with one
// window of shared memory that the two sides own in turn, and a futex on which the other one sleeps.
//
// It is made for requests and replies, and a round trip is a call: the receiving process is the client. There is nothing in flight beside
// the message that is in the window, so one way each message is a call with an empty reply; batches change nothing.
//
// The version that is used here sleeps in the kernel at once and has no way to spin, so WAIT changes little: with busy, SendRecvFast
// keeps what the Go runtime needs to go on, as its documentation advises where replies come soon.
package flipcall
