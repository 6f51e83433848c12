// Package shmpipe moves messages between processes on one Linux host through a bounded ring in shared memory.
//
// # Concepts
//
// A segment is a named piece of shared memory that holds one ring or several. A [Pipe] is this process's handle on it. A process
// takes part in a ring as a [Producer] or a [Consumer], or both. Messages are slices of bytes with a 16-bit type; they arrive
// whole, in order, and once. There is no daemon, and while both sides are busy there is no system call.
//
// A ring has one producer and one consumer ([SPSC], the default and the fastest), or many of each ([MPMC]). With several consumers, each
// message goes to one of them; with several producers, the order is that of each producer,
// but for what comes again after a consumer died or left: that, and the rest of its batch, comes later than what was behind it.
//
// # Lifecycle
//
// [Create] makes a segment, [Open] attaches to one, [OpenOrCreate] does whichever is needed. [Pipe.Producer] and [Pipe.Consumer]
// take a role; in SPSC mode, a role that a live process has is [ErrBusy], and one whose holder died can be taken over at once. Close
// on an endpoint gives the role back and tells the other side. [Remove] removes the name; who is attached goes on undisturbed.
//
// # Guarantees
//
//   - A message whose Send returned nil is delivered, unless the segment is removed or the machine stops, even if the producer
//     is killed in the next instant. One that was being sent is delivered whole or not at all.
//   - A message counts as finished when its consumer asks for the next one, releases it, or closes. If the consumer is killed
//     before that, the next consumer, or another one, gets the message again, and learns from Redelivered that it may have been
//     seen. That is one message at most for each death. With the policy [Drop], it is dropped and counted instead.
//   - Death is proved by the kernel, which drops a lock when the process is gone. A stopped or slow process is alive: nobody takes
//     its role.
//   - In MPMC mode, any number of participants may be killed at any instruction; the others mend what they left behind, within
//     milliseconds, and go on. Send is lock-free; commit and release are wait-free. To receive in order is to wait for a live
//     producer that stopped between claim and commit, and [Pipe.Info] says which; a killed one delays nobody longer than it
//     takes to prove its death.
//   - A message sent is not a message processed: there is no acknowledgement but [Producer.Drain].
//
// # Waiting
//
// A method that takes a context waits: it spins for some microseconds, then sleeps on a futex; see [WaitStrategy]. A method whose
// name starts with Try does not wait.
//
// # Caveats
//
//   - A slice returned by [Claim.Bytes], [Message.Bytes], [Consumer.Messages] or given to a callback is a view of shared memory. It
//     is valid only as long as its documentation says.
//   - The other process can write to the ring as well as you can. Its mistakes are found where they break the protocol
//     ([ErrCorrupt]), and never cause a panic, but it can change a payload that you look at in place. Use Receive, which
//     copies, where it is not trusted.
//   - Endpoints are not for concurrent use; each says so, with the exception of Close.
//   - Children made by fork without exec do not inherit the mapping.
package shmpipe
