// Package mq is the message queues of the kernel as they are: POSIX (mq_open) and System V (msgget), by system call. It knows nothing of
// what is in the messages.
//
// A POSIX queue has a descriptor that can be polled: a goroutine that waits parks in the runtime's poller and holds no thread. The descriptor
// is registered there only while waits are frequent, because the poller is woken by messages that nobody waits for as well. A System V
// queue has none: a goroutine that waits holds a thread in msgrcv or msgsnd. To end such a wait, that thread is sent SIGURG, which Go's
// runtime uses for its own purposes, so that it does no harm, again and again until the call has ended: a signal that comes just
// before the call begins would be lost. (The kernel never restarts these two calls after a signal; see signal(7).)
package mq

import (
	"errors"
	"io/fs"
)

// Errors that are returned as they are.
var (
	ErrFull        = errors.New("message queue is full")
	ErrEmpty       = errors.New("message queue is empty")
	ErrInterrupted = errors.New("wait for a message queue was interrupted")
)

// Attr is the state of a queue.
type Attr struct {
	Messages    int   // in it now
	Bytes       int64 // in it now; of a POSIX queue, which does not tell, Messages times MessageSize at most
	MaxMessages int   // POSIX; 0 in System V
	MessageSize int   // bytes of the largest message
	QueueBytes  int64 // bytes that it can hold
	Mode        fs.FileMode
	UID         uint32
	Creator     uint32 // uid of who made it and may still change it; of a POSIX queue, its owner
}

// Entry is a System V queue of this host.
type Entry struct {
	Key      int32
	ID       int
	Mode     fs.FileMode
	UID      uint32
	Messages int
	Bytes    int64
}
