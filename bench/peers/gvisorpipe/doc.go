// Package gvisorpipe is the contestant for gVisor's shared memory pipe (gvisor.dev/gvisor/pkg/tcpip/link/sharedmem/pipe): a byte ring that
// one side pushes messages to and the other pulls them from, both in place, with a flag in each message's header for who owns it.
//
// The package has no way to sleep: gVisor rings an eventfd beside it, which is not its part. So this contestant spins, and there is none for
// WAIT=block.
package gvisorpipe
