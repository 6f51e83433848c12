package crowd

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// pipeBuf is Linux's PIPE_BUF: what is written at once up to this size is written whole. As all messages have one size, and Linux keeps
// others out while one reads, it is read whole too, whatever the size; a test sees to that.
const pipeBuf = 4096

func makePipe(j job) (queue, error) {
	if j.Size > pipeBuf {
		return queue{}, unix.EMSGSIZE
	}
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		return queue{}, fmt.Errorf("pipe: %w", err)
	}
	bytes, err := 0, error(unix.EPERM)
	for want := min(j.Ring, 1<<30); err == unix.EPERM && want >= pipeBuf; want /= 2 { // the most that this user may have
		bytes, err = unix.FcntlInt(uintptr(p[0]), unix.F_SETPIPE_SZ, want)
	}
	q := fileQueue(bytes, p[:]...)
	if err != nil {
		closeAll(q.files)
		return queue{}, fmt.Errorf("make a pipe of %d bytes: %w", j.Ring, err)
	}
	return q, nil
}

// pipeChannel has the two descriptors of a pipe.
type pipeChannel struct{ from, to int }

func openPipe(_ job, files []*os.File) channel {
	return pipeChannel{descriptor(files[0]), descriptor(files[1])}
}

func (pipeChannel) head() int { return 0 }

func (p pipeChannel) put(buf []byte, wait bool) error {
	if !wait { // only when no other producer sends: what is ready now stays so
		ready := []unix.PollFd{{Fd: int32(p.to), Events: unix.POLLOUT}}
		if n, err := unix.Poll(ready, 0); n == 0 || err == unix.EINTR {
			return errFull
		}
	}
	for {
		switch n, err := unix.Write(p.to, buf); {
		case err == unix.EINTR:
		case err != nil:
			return fmt.Errorf("write to pipe: %w", err)
		case n != len(buf):
			return fmt.Errorf("write to pipe: %d bytes of %d", n, len(buf))
		default:
			return nil
		}
	}
}

func (p pipeChannel) take(buf []byte) (int, error) { return readWhole(p.from, buf) }

// readWhole reads once, which gets a message.
func readWhole(fd int, buf []byte) (int, error) {
	for {
		n, err := unix.Read(fd, buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("read: %w", err)
		}
		return n, nil
	}
}
