package crowd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

func init() {
	contestants["pipe"] = kernelQueue{
		text:  "one pipe of the kernel, to which all write and from which all read",
		limit: "PIPE_BUF, 4096 bytes: beyond that, messages of several producers mix",
		make:  makePipe, open: openPipe,
	}
	contestants["unix-dgram"] = socketQueue(syscall.SOCK_DGRAM, "SOCK_DGRAM")
	contestants["unix-seqpacket"] = socketQueue(syscall.SOCK_SEQPACKET, "SOCK_SEQPACKET")
	contestants["posix-mq"] = kernelQueue{
		text:  "POSIX message queue of the kernel (mq_open), as long as the kernel lets this user have it",
		limit: "/proc/sys/fs/mqueue/msgsize_max, and RLIMIT_MSGQUEUE for the whole queue",
		make:  makePOSIX, open: openPOSIX,
	}
	contestants["sysv-mq"] = systemV{kernelQueue{
		text:  "System V message queue of the kernel (msgget), as long as the kernel lets this user have it",
		limit: "/proc/sys/kernel/msgmax, and msgmnb beside it for the whole queue",
		make:  makeSystemV, open: openSystemV,
	}}
}

// channel is a queue of the kernel's: its system calls, which are made again when a signal has interrupted them. The Go runtime sends
// signals of its own.
type channel interface {
	// head is how many bytes the calls want in front of a message, in the same memory.
	head() int
	// put sends the message behind the head. Unless it may wait, it returns errFull when there is no room.
	put(buf []byte, wait bool) error
	// take waits for a message, which it puts behind the head, and returns how many bytes the message has.
	take(buf []byte) (int, error)
}

var errFull = errors.New("no room")

// kernelQueue is a contestant of the kernel. All have the same loops: a call through an interface is nothing beside a system call.
type kernelQueue struct {
	text  string
	limit string // of a message's size: what sets it
	make  func(j job) (queue, error)
	open  func(j job, files []*os.File) channel
}

func (kernelQueue) alone() bool { return false }

func (k kernelQueue) describe() string { return k.text }

func (k kernelQueue) create(j job) (queue, error) {
	q, err := k.make(j)
	if err == nil {
		j.Object = q.object
		if err = probe(k.open(j, q.files), j.Size); err != nil {
			closeAll(q.files)
			err = errors.Join(err, q.Close())
		}
	}
	if errors.Is(err, errFull) || errors.Is(err, syscall.EMSGSIZE) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOBUFS) {
		err = cannotf("message of %d bytes: %w; the limit is %s", j.Size, err, k.limit)
	}
	if err != nil {
		return queue{}, err
	}
	return q, nil
}

// probe sends a message of so many bytes and takes it again: what a queue can do depends on the kernel, its settings and the user, and
// is seen best so.
func probe(c channel, size int) error {
	w := newWriter(job{Size: size, Count: 1}, 0)
	sent := append(make([]byte, c.head()), w.message()...)
	w.stamp(sent[c.head():])
	if err := c.put(sent, false); err != nil {
		return err
	}
	got := make([]byte, len(sent))
	n, err := c.take(got)
	if err != nil {
		return err
	}
	if n != size || !bytes.Equal(got[c.head():], sent[c.head():]) {
		return fmt.Errorf("a message of %d bytes came as another one, of %d", size, n)
	}
	return nil
}

func (k kernelQueue) producer(j job, files []*os.File) (producer, error) {
	return kernelEnd{k.open(j, files), files}, nil
}

func (k kernelQueue) consumer(j job, files []*os.File) (consumer, error) {
	return kernelEnd{k.open(j, files), files}, nil
}

// kernelEnd is either end. It has the files of both, as the parent has, which means nothing: the end is a message.
type kernelEnd struct {
	channel
	files []*os.File
}

func (e kernelEnd) Close() error {
	closeAll(e.files)
	return nil
}

func (e kernelEnd) send(w *writer) error {
	buf := append(make([]byte, e.head()), w.message()...)
	msg := buf[e.head():]
	for w.more() {
		w.stamp(msg)
		if err := e.put(buf, true); err != nil {
			return err
		}
	}
	return nil
}

func (e kernelEnd) trySend(msg []byte) (bool, error) {
	err := e.put(append(make([]byte, e.head()), msg...), false)
	if errors.Is(err, errFull) {
		return false, nil
	}
	return err == nil, err
}

func (e kernelEnd) receive(r *reader) error {
	buf := make([]byte, e.head()+r.size)
	msg := buf[e.head():]
	for !r.done {
		n, err := e.take(buf)
		if err != nil {
			return err
		}
		if err := r.check(msg[:n]); err != nil {
			return err
		}
	}
	return nil
}

// nothing is for queues that are gone when their files are closed.
var nothing = io.NopCloser(nil)

// fileQueue is a queue of descriptors that the kernel has just made.
func fileQueue(bytes int, descriptors ...int) queue {
	q := queue{bytes: bytes, Closer: nothing}
	for _, fd := range descriptors {
		q.files = append(q.files, os.NewFile(uintptr(fd), "queue"))
	}
	return q
}

// descriptor is that of a file, which must be kept for as long.
func descriptor(f *os.File) int { return int(f.Fd()) }
