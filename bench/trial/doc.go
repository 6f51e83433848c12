// Package trial is what the two processes of a Go contestant share: the command line, the start gate, placement, messages and their check,
// the measured loops, samples, and the line of results. bench/README.md is the contract that it carries out.
//
// A program is one call of [Main] with its contestants, each a [Transport]. The process that is started receives; Main starts the same
// program again as the sending one:
//
//	receiving process              sending process
//	starts the other               waits
//	Transport.Create               waits
//	passes text and files on       Transport.Open with these
//	Handle.Receiver(0)             Handle.Sender(0)
//	Handle.Sender(1), rtt only     Handle.Receiver(1), rtt only
//	meets the other at the gate    likewise
//	Remover.Remove, if it has it
//	receives and checks            sends
//	closes its ends                closes its ends
//	Handle.Close                   Handle.Close
//
// In the mode first, they meet before Create, and the clock runs from there.
//
// Each process measures in one goroutine, which is locked to its thread. The garbage collector is off meanwhile, up to a limit of memory.
// The package has no dependency beyond golang.org/x/sys, so that a module of its own can use it.
package trial
