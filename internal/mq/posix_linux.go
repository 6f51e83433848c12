package mq

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// posixAttr is the kernel's struct mq_attr.
type posixAttr struct {
	flags, most, size, now int64
	_                      [4]int64
}

// CreatePOSIX makes a queue of so many messages of so many bytes; the name has no slash. The mode is perm whatever the umask. The error
// matches fs.ErrExist if the name is taken, errors.ErrUnsupported if the kernel has no such queues, and names the limit if one stands
// in the way.
func CreatePOSIX(name string, messages, size int, perm fs.FileMode) (*Queue, error) {
	a := posixAttr{most: int64(messages), size: int64(size)}
	fd, err := mqOpen(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, uint32(perm.Perm()), &a)
	if err != nil {
		if l, limitErr := ReadPOSIXLimits(); limitErr == nil {
			err = refusedPOSIX(l, messages, size, err)
		}
		return nil, fmt.Errorf("create message queue /%s: %w", name, err)
	}
	if err := unix.Fchmod(fd, uint32(perm.Perm())); err != nil {
		return nil, errors.Join(fmt.Errorf("set mode of message queue /%s: %w", name, err), unix.Close(fd), RemovePOSIX(name))
	}
	return newPOSIX(name, fd)
}

// OpenPOSIX opens a queue for both directions, or, to read only, for receiving and Attr. The error matches fs.ErrNotExist, fs.ErrPermission or
// errors.ErrUnsupported.
func OpenPOSIX(name string, readOnly bool) (*Queue, error) {
	flags := unix.O_RDWR
	if readOnly {
		flags = unix.O_RDONLY
	}
	fd, err := mqOpen(name, flags, 0, nil)
	if err != nil {
		return nil, fmt.Errorf("open message queue /%s: %w", name, err)
	}
	return newPOSIX(name, fd)
}

// RemovePOSIX takes the name away. Who has the queue open goes on using it.
func RemovePOSIX(name string) error {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return fmt.Errorf("remove message queue %q: %w", name, err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(p)), 0, 0); errno != 0 {
		return fmt.Errorf("remove message queue /%s: %w", name, supported(errno))
	}
	return nil
}

const mountPoint = "/dev/mqueue"

// ListPOSIX lists the queues of the host by name. It needs a mount of the kernel's filesystem of queues on /dev/mqueue; without one, the error
// matches errors.ErrUnsupported and says how to mount it.
func ListPOSIX() ([]string, error) {
	const magic = 0x19800202
	var st unix.Statfs_t
	if err := unix.Statfs(mountPoint, &st); err != nil || st.Type != magic {
		return nil, fmt.Errorf("list message queues: no mqueue filesystem is mounted on %s; mount it with `mount -t mqueue none %s`: %w", mountPoint, mountPoint, errors.ErrUnsupported)
	}
	entries, err := os.ReadDir(mountPoint)
	if err != nil {
		return nil, fmt.Errorf("list message queues: %w", err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func mqOpen(name string, flags int, perm uint32, a *posixAttr) (int, error) {
	p, err := unix.BytePtrFromString(name)
	if err != nil || strings.ContainsRune(name, '/') || name == "" {
		return -1, fmt.Errorf("name %q: %w", name, fs.ErrInvalid)
	}
	for {
		fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(p)), uintptr(flags|unix.O_NONBLOCK|unix.O_CLOEXEC), uintptr(perm), uintptr(unsafe.Pointer(a)), 0, 0)
		if errno == 0 {
			return int(fd), nil
		}
		if errno != unix.EINTR {
			return -1, supported(errno)
		}
	}
}

// supported has an error say that the kernel lacks queues.
func supported(errno unix.Errno) error {
	if errno == unix.ENOSYS {
		return errNoPOSIX
	}
	return errno
}

// posix is a descriptor of a queue. It does not wait; see parking.
type posix struct {
	name    string
	fd      int
	size    int // bytes of a message
	in, out parking
}

func newPOSIX(name string, fd int) (*Queue, error) {
	p := &posix{name: name, fd: fd}
	a, err := p.attr()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open message queue /%s: %w", name, err), unix.Close(fd))
	}
	p.size = a.MessageSize
	return &Queue{posix: p}, nil
}

func (p *posix) attr() (Attr, error) {
	var a posixAttr
	if _, _, errno := unix.Syscall(unix.SYS_MQ_GETSETATTR, uintptr(p.fd), 0, uintptr(unsafe.Pointer(&a))); errno != 0 {
		return Attr{}, errno
	}
	var st unix.Stat_t
	if err := unix.Fstat(p.fd, &st); err != nil {
		return Attr{}, err
	}
	return Attr{
		Messages: int(a.now), Bytes: a.now * a.size, MaxMessages: int(a.most), MessageSize: int(a.size), QueueBytes: a.most * a.size,
		Mode: fs.FileMode(st.Mode & 0o777), UID: st.Uid, Creator: st.Uid,
	}, nil
}

// send and receive make one system call, which does not wait, because the descriptor is so.
func (p *posix) send(b []byte) unix.Errno {
	for {
		_, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDSEND, uintptr(p.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
		if errno != unix.EINTR {
			return errno
		}
	}
}

func (p *posix) receive(b []byte) (int, unix.Errno) {
	for {
		n, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDRECEIVE, uintptr(p.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
		if errno != unix.EINTR {
			return int(n), errno
		}
	}
}
