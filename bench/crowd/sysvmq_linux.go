package crowd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// systemV is the contestant. The kernel keeps its queues until somebody removes them.
type systemV struct{ kernelQueue }

func (systemV) remove(j job) error { return systemVQueue(j.Object).Close() }

// systemVQueue is the number of a System V message queue.
type systemVQueue uintptr

// typeSize is what stands before a message: its type, a long of C.
const typeSize = 8

// queueRecord is the kernel's struct msqid64_ds on machines of 64 bits: rights, times and counts are of no concern here, but go back as
// they came.
type queueRecord struct {
	rights [48]byte
	times  [3]int64
	bytes  uint64 // in the queue
	count  uint64
	most   uint64 // bytes
	_      [24]byte
}

func makeSystemV(j job) (queue, error) {
	id, _, errno := unix.Syscall(unix.SYS_MSGGET, unix.IPC_PRIVATE, unix.IPC_CREAT|0o600, 0)
	switch errno {
	case 0:
	case unix.ENOSYS, unix.ENOSPC:
		return queue{}, cannotf("msgget: %w: the kernel has no System V message queues, or no more of them (/proc/sys/kernel/msgmni)", errno)
	default:
		return queue{}, fmt.Errorf("msgget: %w", errno)
	}
	s := systemVQueue(id)
	most, err := s.grow(j.Ring)
	if err != nil {
		return queue{}, errors.Join(err, s.Close())
	}
	return queue{object: int(id), bytes: most, Closer: s}, nil
}

// grow gives the queue so many bytes, if this user may have them, and returns how many it has.
func (s systemVQueue) grow(bytes int) (int, error) {
	var r queueRecord
	if err := s.control(unix.IPC_STAT, &r); err != nil {
		return 0, err
	}
	had := r.most
	r.most = uint64(bytes)
	err := s.control(unix.IPC_SET, &r)
	if errors.Is(err, unix.EPERM) { // more than /proc/sys/kernel/msgmnb is for a privileged user
		return int(had), nil
	}
	return bytes, err
}

func (s systemVQueue) control(command int, r *queueRecord) error {
	if _, _, errno := unix.Syscall(unix.SYS_MSGCTL, uintptr(s), uintptr(command), uintptr(unsafe.Pointer(r))); errno != 0 {
		return fmt.Errorf("msgctl %d of message queue %d: %w", command, s, errno)
	}
	return nil
}

// Close removes the queue from the system. It may have been removed already.
func (s systemVQueue) Close() error {
	err := s.control(unix.IPC_RMID, nil)
	if errors.Is(err, unix.EIDRM) || errors.Is(err, unix.EINVAL) {
		return nil
	}
	return err
}

func openSystemV(j job, _ []*os.File) channel { return systemVQueue(j.Object) }

func (systemVQueue) head() int { return typeSize }

func (s systemVQueue) put(buf []byte, wait bool) error {
	binary.NativeEndian.PutUint64(buf, 1) // any type but 0
	flags := uintptr(0)
	if !wait {
		flags = unix.IPC_NOWAIT
	}
	for {
		_, _, errno := unix.Syscall6(unix.SYS_MSGSND, uintptr(s), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)-typeSize), flags, 0, 0)
		switch errno {
		case unix.EINTR:
		case unix.EAGAIN:
			return errFull
		case 0:
			return nil
		default:
			return fmt.Errorf("msgsnd: %w", errno)
		}
	}
}

func (s systemVQueue) take(buf []byte) (int, error) {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_MSGRCV, uintptr(s), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)-typeSize), 0, 0, 0)
		switch errno {
		case unix.EINTR:
		case 0:
			return int(n), nil
		default:
			return 0, fmt.Errorf("msgrcv: %w", errno)
		}
	}
}
