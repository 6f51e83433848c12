package crowd

import (
	"fmt"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"shmpipe/bench/internal/host"
)

// attributes is the kernel's struct mq_attr.
type attributes struct {
	flags, most, size, now int64 // most: messages in the queue; size: bytes of one
	_                      [4]int64
}

// makePOSIX makes a queue of as many messages as come nearest to the bytes of ring that the kernel lets this user have. Its name is gone
// again at once: the processes get the descriptor.
func makePOSIX(j job) (queue, error) {
	name, err := unix.BytePtrFromString(fmt.Sprintf("shmpipe-bench-%d-%d", os.Getpid(), time.Now().UnixNano()))
	if err != nil {
		return queue{}, err
	}
	everybody := 0 // messages that every user may have in a queue
	_, _ = fmt.Sscan(host.Text("/proc/sys/fs/mqueue/msg_max"), &everybody)
	for most := max(1, j.Ring/j.Size); ; {
		a := attributes{most: int64(most), size: int64(j.Size)}
		fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(name)), unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC,
			0o600, uintptr(unsafe.Pointer(&a)), 0, 0)
		switch errno {
		case 0:
			q := fileQueue(most*j.Size, int(fd))
			if _, _, errno := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(name)), 0, 0); errno != 0 {
				closeAll(q.files)
				return queue{}, fmt.Errorf("mq_unlink: %w", errno)
			}
			return q, nil
		case unix.EINVAL, unix.EMFILE, unix.ENOMEM, unix.EOVERFLOW: // msg_max or msgsize_max; RLIMIT_MSGQUEUE; what cannot be at all
			if most == 1 {
				return queue{}, fmt.Errorf("mq_open for one message: %w (%w)", errno, unix.EMSGSIZE)
			}
			if less := most / 2; less < everybody && everybody < most {
				most = everybody
			} else {
				most = less
			}
		case unix.ENOSYS, unix.ENOSPC: // queues_max
			return queue{}, cannotf("mq_open: %w: the kernel has no POSIX message queues, or no more of them (/proc/sys/fs/mqueue/queues_max)", errno)
		default:
			return queue{}, fmt.Errorf("mq_open: %w", errno)
		}
	}
}

// posixChannel has the descriptor of a queue.
type posixChannel struct{ descriptor uintptr }

func openPOSIX(_ job, files []*os.File) channel { return posixChannel{files[0].Fd()} }

func (posixChannel) head() int { return 0 }

func (p posixChannel) put(buf []byte, wait bool) error {
	var until *unix.Timespec
	if !wait {
		until = &unix.Timespec{} // long ago
	}
	for {
		_, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDSEND, p.descriptor, uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0,
			uintptr(unsafe.Pointer(until)), 0)
		switch errno {
		case unix.EINTR:
		case unix.ETIMEDOUT:
			return errFull
		case 0:
			return nil
		default:
			return fmt.Errorf("mq_send: %w", errno)
		}
	}
}

func (p posixChannel) take(buf []byte) (int, error) {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDRECEIVE, p.descriptor, uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0, 0)
		switch errno {
		case unix.EINTR:
		case 0:
			return int(n), nil
		default:
			return 0, fmt.Errorf("mq_receive: %w", errno)
		}
	}
}
