package contest

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The system calls that x/sys/unix has no functions for. They return errno as it is; a call that a signal interrupts is unix.EINTR.

// queueShape is the kernel's struct mq_attr.
type queueShape struct {
	flags, messages, size, current int
	_                              [4]int
}

// makeQueue makes a POSIX message queue that has no name any more, so that nothing has to be removed.
func makeQueue(name string, messages, size int) (int, error) {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return 0, err
	}
	shape := queueShape{messages: messages, size: size}
	const flags = unix.O_RDWR | unix.O_CREAT | unix.O_EXCL | unix.O_CLOEXEC
	fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(path)), flags, 0o600, uintptr(unsafe.Pointer(&shape)), 0, 0)
	if errno != 0 {
		return 0, errno
	}
	if _, _, errno := unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(path)), 0, 0); errno != 0 {
		_ = unix.Close(int(fd)) // the errno says more
		return 0, errno
	}
	return int(fd), nil
}

func queueSend(fd int, b []byte) error {
	_, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDSEND, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func queueReceive(fd int, b []byte) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_MQ_TIMEDRECEIVE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), 0, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// messageType is how many bytes a System V message has before its text: its type, a number above 0 that all messages here share.
const messageType = 8

func messageGet() (int, error) {
	id, _, errno := unix.Syscall(unix.SYS_MSGGET, unix.IPC_PRIVATE, unix.IPC_CREAT|0o600, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(id), nil
}

// messageSend sends b, which begins with the type.
func messageSend(id int, b []byte, flags int) error {
	_, _, errno := unix.Syscall6(unix.SYS_MSGSND, uintptr(id), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)-messageType), uintptr(flags), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// messageReceive receives into b, whose beginning is the type, and returns the length of what follows.
func messageReceive(id int, b []byte, flags int) (int, error) {
	n, _, errno := unix.Syscall6(unix.SYS_MSGRCV, uintptr(id), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)-messageType), 0, uintptr(flags), 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// messageState is the kernel's struct msqid64_ds of 64-bit systems.
type messageState struct {
	key, uid, gid, cuid, cgid, mode, seq, _  uint32
	_, _                                     uint64
	sent, received, changed, bytes, messages uint64
	most                                     uint64 // bytes in the queue
	sender, receiver                         int32
	_, _                                     uint64
}

// messageCapacity asks for a queue of so many bytes, which takes a privilege beyond the system's default.
func messageCapacity(id, bytes int) error {
	var s messageState
	if err := messageControl(id, unix.IPC_STAT, &s); err != nil {
		return err
	}
	s.most = uint64(bytes)
	return messageControl(id, unix.IPC_SET, &s)
}

func messageRemove(id int) error { return messageControl(id, unix.IPC_RMID, nil) }

func messageControl(id, command int, s *messageState) error {
	if _, _, errno := unix.Syscall(unix.SYS_MSGCTL, uintptr(id), uintptr(command), uintptr(unsafe.Pointer(s))); errno != 0 {
		return errno
	}
	return nil
}

const semaphoreSet = 17 // SETALL of linux/sem.h

func semaphoreGet(n int) (int, error) {
	id, _, errno := unix.Syscall(unix.SYS_SEMGET, unix.IPC_PRIVATE, uintptr(n), unix.IPC_CREAT|0o600)
	if errno != 0 {
		return 0, errno
	}
	return int(id), nil
}

// semaphoreStart gives all semaphores of a set their values.
func semaphoreStart(id int, values []uint16) error {
	_, _, errno := unix.Syscall6(unix.SYS_SEMCTL, uintptr(id), 0, semaphoreSet, uintptr(unsafe.Pointer(unsafe.SliceData(values))), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func semaphoreRemove(id int) error {
	if _, _, errno := unix.Syscall6(unix.SYS_SEMCTL, uintptr(id), 0, unix.IPC_RMID, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// semaphoresAreOurs reports whether a set has no key and was made by this user.
func semaphoresAreOurs(id int) (bool, error) {
	var s [32]uint32 // more than the kernel's struct semid64_ds, which begins as messageState does: key, uid, gid, cuid
	if _, _, errno := unix.Syscall6(unix.SYS_SEMCTL, uintptr(id), 0, unix.IPC_STAT, uintptr(unsafe.Pointer(&s)), 0, 0); errno != 0 {
		return false, errno
	}
	return s[0] == unix.IPC_PRIVATE && s[3] == uint32(os.Geteuid()), nil
}

// semaphoreStep is the kernel's struct sembuf.
type semaphoreStep struct {
	number uint16
	add    int16
	flags  int16
}

// semaphoreDo does a step, or waits until it can.
func semaphoreDo(id int, step *semaphoreStep) error {
	_, _, errno := unix.Syscall(unix.SYS_SEMOP, uintptr(id), uintptr(unsafe.Pointer(step)), 1)
	if errno != 0 {
		return errno
	}
	return nil
}
