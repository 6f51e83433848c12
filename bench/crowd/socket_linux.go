package crowd

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// socketQueue is a pair of Unix sockets. All producers have the one, and all consumers the other.
func socketQueue(kind int, name string) kernelQueue {
	return kernelQueue{
		text:  "one pair of Unix sockets, " + name + ", that all share",
		limit: "the socket's buffer (SO_SNDBUF, -ring, /proc/sys/net/core/wmem_max) and the memory that a packet can have",
		make:  func(j job) (queue, error) { return makeSockets(kind, j.Ring) },
		open: func(_ job, files []*os.File) channel {
			return socketChannel{descriptor(files[0]), descriptor(files[1])}
		},
	}
}

func makeSockets(kind, ring int) (queue, error) {
	ring = min(ring, 1<<30) // beyond that the kernel would see another number
	p, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return queue{}, fmt.Errorf("socketpair: %w", err)
	}
	// With the first, a privileged user gets more than wmem_max. The second is cut to what may be had.
	if err = unix.SetsockoptInt(p[1], unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, ring); err == unix.EPERM {
		err = unix.SetsockoptInt(p[1], unix.SOL_SOCKET, unix.SO_SNDBUF, ring)
	}
	got := 0
	if err == nil {
		got, err = unix.GetsockoptInt(p[1], unix.SOL_SOCKET, unix.SO_SNDBUF)
	}
	q := fileQueue(got/2, p[:]...) // the kernel doubles it, for what it needs itself
	if err != nil {
		closeAll(q.files)
		return queue{}, fmt.Errorf("give a socket a buffer of %d bytes: %w", ring, err)
	}
	return q, nil
}

// socketChannel has the two descriptors of a pair.
type socketChannel struct{ from, to int }

func (socketChannel) head() int { return 0 }

func (s socketChannel) put(buf []byte, wait bool) error {
	flags := 0
	if !wait {
		flags = unix.MSG_DONTWAIT
	}
	for {
		switch err := unix.Send(s.to, buf, flags); err {
		case unix.EINTR:
		case unix.EAGAIN:
			return errFull
		case nil:
			return nil
		default:
			return fmt.Errorf("send to socket: %w", err)
		}
	}
}

func (s socketChannel) take(buf []byte) (int, error) { return readWhole(s.from, buf) }
