// Package shmipc is the contestant for shmipc (github.com/cloudwego/shmipc-go): sessions over a Unix socket with queues and buffers in
// shared memory, and streams in a session. The socket wakes the other side, and only if it is not at work already.
//
// It is used as its examples have it: the sending process is the client, with a session manager and one stream; the receiving process is
// the server; memory is without a name (memfd); messages have their length before them, are written in place (Reserve) and read in place
// (ReadBytes), and a batch is one Flush. For round trips both sides give a read buffer back for their next message, as its documentation
// advises (ReleaseReadAndReuse). Slices of its memory have the size of what is flushed, as its own benchmark sets them.
//
// It has nothing that slows down a sender who is faster than the receiver: when the buffers are used up, the stream turns to the socket for
// good, and when the queue is full, messages fail. So one way, the receiver answers with a byte now and then, and the sender has a window.
// If a stream should turn to the socket nevertheless, the trial fails.
//
// It waits in epoll whatever WAIT says.
package shmipc
