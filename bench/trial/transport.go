package trial

import "os"

// Sender is the sending end of one direction of a contestant. One goroutine uses it.
type Sender interface {
	// Send copies or writes msg whole, and waits for space if need be. What it sent goes out without a further call.
	Send(msg []byte) error
	Close() error
}

// Batcher is a Sender that sends several messages at once. They have one size. The slices are the caller's again afterwards.
type Batcher interface {
	SendBatch(msgs [][]byte) error
}

// AllSender is a Sender with a measured loop of its own, as its user would write it: it sends messages from to to-1, which are pattern with
// the number stamped on it (see [Stamp]), in batches of j.Batch() if it can. It may write to pattern. All has gone out when it returns.
type AllSender interface {
	SendAll(j Job, from, to uint64, pattern []byte) error
}

// Receiver is the receiving end of one direction of a contestant. One goroutine uses it.
type Receiver interface {
	// Receive waits for at least one message and gives up to most of them, as they come, to fn. A message is valid until fn returns.
	// Receive stops at an error of fn and returns it. The end of the stream is an error: nobody asks for more than was sent.
	Receive(fn func(msg []byte) error, most int) error
	Close() error
}

// AllReceiver is a Receiver with a measured loop of its own, as its user would write it: it receives until the checker has seen until
// messages.
type AllReceiver interface {
	ReceiveAll(check *Checker, until uint64) error
}

// Transport is a contestant.
type Transport interface {
	// Create makes it, in the receiving process. Channels is 1, or 2 for round trips: direction 0 leads from the sending process to the
	// receiving one, direction 1 back. If it fails, nothing is left over.
	Create(j Job, channels int) (Handle, error)
	Opener
}

// Opener attaches to what another process created.
type Opener interface {
	// Open is called in the sending process, with what the creator's Handle said. The files are the new Handle's.
	Open(j Job, text string, files []*os.File) (Handle, error)
}

// Handle is one process's hold on a contestant.
type Handle interface {
	Files() []*os.File // for the other process; they stay the handle's
	Text() string      // for the other process; up to 64 KiB
	Receiver(direction int) (Receiver, error)
	Sender(direction int) (Sender, error)
	Close() error // removes what is left of the objects, in the process that created them
}

// Remover is a Handle whose objects do not go with the processes. Both calls are in the process that created them.
type Remover interface {
	// Remove with ending false is called once all ends are open on both sides, before anything is measured: a name that nobody needs any
	// more can go, so that nothing is left over even if the trial is killed. With ending true it is called if the trial ends before its
	// time, concurrently with whatever else goes on: all that would be left over must go, but not be pulled from under who uses it.
	Remove(ending bool) error
}

// Single is a Transport for one process: both sides are goroutines, on a thread each, and use the Handle that Create made. Open is not used.
type Single interface {
	Single()
}

// Crowded is a Transport that has goroutines of its own on the CPU of each side: a library's, or the other side's. Who paces its messages in the
// mode load gives way to them.
type Crowded interface {
	Crowded()
}

// Moder is a Transport that does not have exactly the modes thr, rtt, load, idle and first.
type Moder interface {
	Modes() []string
}

// Modes are those that a contestant has.
func Modes(t Transport) []string {
	if m, ok := t.(Moder); ok {
		return m.Modes()
	}
	return []string{Throughput, RoundTrip, Load, Idle, First}
}
