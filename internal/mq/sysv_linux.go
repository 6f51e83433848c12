package mq

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sysvRecord is the kernel's struct msqid64_ds on machines of 64 bits.
type sysvRecord struct {
	key            int32
	uid, gid       uint32
	cuid, cgid     uint32
	mode           uint32
	_              [24]byte // sequence and what is reserved
	sent, received int64
	changed        int64
	bytes          uint64 // in the queue
	messages       uint64
	most           uint64 // bytes
	_              [24]byte
}

const typeSize = 8 // bytes of a message's type, a long of C, which stands before it

// CreateSysV makes a queue that holds so many bytes; 0 means as many as the host's default. The error matches fs.ErrExist if the key is
// taken, and names the limit if one stands in the way.
func CreateSysV(key int32, bytes int64, perm fs.FileMode) (*Queue, error) {
	q, err := newSysV(key, 0) // before there is a queue that would be left behind if this failed
	if err != nil {
		return nil, fmt.Errorf("create message queue %#x: %w", uint32(key), err)
	}
	id, _, errno := unix.Syscall(unix.SYS_MSGGET, uintptr(key), uintptr(unix.IPC_CREAT|unix.IPC_EXCL|uint32(perm.Perm())), 0)
	if errno != 0 {
		return nil, fmt.Errorf("create message queue %#x: %w", uint32(key), refusedSysV(errno))
	}
	q.sysv.id = int(id)
	if err := q.sysv.grow(bytes); err != nil {
		return nil, errors.Join(fmt.Errorf("create message queue %#x: %w", uint32(key), err), q.Remove(), q.Close())
	}
	return q, nil
}

func refusedSysV(errno unix.Errno) error {
	switch errno {
	case unix.ENOSYS:
		return fmt.Errorf("this kernel has no System V message queues (CONFIG_SYSVIPC): %w", errors.ErrUnsupported)
	case unix.ENOSPC:
		if l, err := ReadSysVLimits(); err == nil {
			return fmt.Errorf("the host has as many queues as kernel.msgmni allows, %d; raise it with `sysctl -w kernel.msgmni=%d`, or remove some: %w", l.Queues, more(l.Queues), errno)
		}
	}
	return errno
}

// OpenSysV opens the queue of a key. The error matches fs.ErrNotExist or fs.ErrPermission.
func OpenSysV(key int32) (*Queue, error) {
	id, _, errno := unix.Syscall(unix.SYS_MSGGET, uintptr(key), 0, 0)
	if errno != 0 {
		return nil, fmt.Errorf("open message queue %#x: %w", uint32(key), refusedSysV(errno))
	}
	return newSysV(key, int(id))
}

// OpenSysVID opens the queue of an identifier.
func OpenSysVID(id int) (*Queue, error) {
	q, err := newSysV(0, id)
	if err != nil {
		return nil, err
	}
	r, err := q.sysv.stat()
	if err != nil {
		return nil, errors.Join(err, q.Close())
	}
	q.sysv.key = r.key
	return q, nil
}

// ListSysV lists the queues of the host.
func ListSysV() ([]Entry, error) {
	f, err := os.Open("/proc/sysvipc/msg")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list message queues: %w: %w", err, errors.ErrUnsupported)
	}
	if err != nil {
		return nil, fmt.Errorf("list message queues: %w", err)
	}
	defer f.Close()
	var found []Entry
	lines := bufio.NewScanner(f)
	lines.Scan() // names of the columns
	for lines.Scan() {
		var e Entry
		var mode, sender, receiver uint32
		// key msqid perms cbytes qnum lspid lrpid uid gid cuid cgid stime rtime ctime
		if _, err := fmt.Sscan(strings.TrimSpace(lines.Text()), &e.Key, &e.ID, octal{&mode}, &e.Bytes, &e.Messages, &sender, &receiver, &e.UID); err != nil {
			return nil, fmt.Errorf("list message queues: line %q: %w", lines.Text(), err)
		}
		e.Mode = fs.FileMode(mode & 0o777)
		found = append(found, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list message queues: %w", err)
	}
	return found, nil
}

// octal reads a number in octal digits without a sign that it is one.
type octal struct{ to *uint32 }

func (o octal) Scan(s fmt.ScanState, _ rune) error {
	text, err := s.Token(true, nil)
	if err != nil {
		return err
	}
	_, err = fmt.Sscanf(string(text), "%o", o.to)
	return err
}

// sysv is the identifier of a queue.
type sysv struct {
	key int32
	id  int
}

func newSysV(key int32, id int) (*Queue, error) {
	l, err := ReadSysVLimits()
	if err != nil {
		return nil, err
	}
	q := &Queue{sysv: &sysv{key: key, id: id}, closing: make(chan struct{})}
	q.in, q.out = make([]byte, typeSize+l.MessageSize), make([]byte, typeSize+l.MessageSize)
	return q, nil
}

func (s *sysv) control(command int, r *sysvRecord) error {
	if _, _, errno := unix.Syscall(unix.SYS_MSGCTL, uintptr(s.id), uintptr(command), uintptr(unsafe.Pointer(r))); errno != 0 {
		return fmt.Errorf("message queue %d: %w", s.id, gone(errno))
	}
	return nil
}

func (s *sysv) stat() (sysvRecord, error) {
	var r sysvRecord
	err := s.control(unix.IPC_STAT, &r)
	return r, err
}

// grow gives the queue so many bytes.
func (s *sysv) grow(bytes int64) error {
	r, err := s.stat()
	if err != nil || bytes <= 0 || r.most == uint64(bytes) {
		return err
	}
	r.most = uint64(bytes)
	if err := s.control(unix.IPC_SET, &r); err != nil {
		if l, limitErr := ReadSysVLimits(); limitErr == nil && errors.Is(err, unix.EPERM) {
			return fmt.Errorf("%d bytes asked for, but kernel.msgmnb is %d; raise it with `sysctl -w kernel.msgmnb=%d`: %w", bytes, l.QueueBytes, bytes, err)
		}
		return err
	}
	return nil
}

// gone has an error about a queue that was removed match fs.ErrNotExist.
func gone(errno unix.Errno) error {
	if errno == unix.EIDRM || errno == unix.EINVAL {
		return fmt.Errorf("it was removed: %w: %w", fs.ErrNotExist, errno)
	}
	return errno
}

func (s *sysv) attr() (Attr, error) {
	r, err := s.stat()
	if err != nil {
		return Attr{}, err
	}
	l, err := ReadSysVLimits()
	if err != nil {
		return Attr{}, err
	}
	return Attr{
		Messages: int(r.messages), Bytes: int64(r.bytes), MessageSize: min(l.MessageSize, int(r.most)), QueueBytes: int64(r.most),
		Mode: fs.FileMode(r.mode & 0o777), UID: r.uid, Creator: r.cuid,
	}, nil
}

// send and receive make one system call. The buffers begin with the type.
func (s *sysv) send(buf []byte, flags int) unix.Errno {
	_, _, errno := unix.Syscall6(unix.SYS_MSGSND, uintptr(s.id), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)-typeSize), uintptr(flags), 0, 0)
	return errno
}

func (s *sysv) receive(buf []byte, flags int) (int, unix.Errno) {
	n, _, errno := unix.Syscall6(unix.SYS_MSGRCV, uintptr(s.id), uintptr(unsafe.Pointer(unsafe.SliceData(buf))), uintptr(len(buf)-typeSize), 0, uintptr(flags), 0)
	return int(n), errno
}
