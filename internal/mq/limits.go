package mq

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
)

// POSIXLimits is what the kernel lets this process have of POSIX queues.
type POSIXLimits struct {
	Messages    int    // in a queue: fs.mqueue.msg_max
	MessageSize int    // bytes of a message: fs.mqueue.msgsize_max
	Queues      int    // on the host: fs.mqueue.queues_max
	Bytes       uint64 // of all queues of this user: RLIMIT_MSGQUEUE; MaxUint64 = without limit
	Privileged  bool   // the first three do not hold, but the kernel's own: 65536 messages, 16 MiB
}

// What holds for privileged processes, from linux/ipc_namespace.h.
const (
	hardMessages    = 65536
	hardMessageSize = 16 << 20
)

// ReadPOSIXLimits reads them. The error matches errors.ErrUnsupported if the kernel has no POSIX queues.
func ReadPOSIXLimits() (POSIXLimits, error) {
	var l POSIXLimits
	const dir = "/proc/sys/fs/mqueue/"
	if _, err := os.Stat(dir); err != nil {
		return l, errNoPOSIX
	}
	for name, to := range map[string]*int{"msg_max": &l.Messages, "msgsize_max": &l.MessageSize, "queues_max": &l.Queues} {
		if err := readNumber(dir+name, to); err != nil {
			return l, err
		}
	}
	var err error
	l.Bytes, err = queueLimit()
	l.Privileged = privileged()
	return l, err
}

var errNoPOSIX = fmt.Errorf("this kernel has no POSIX message queues (CONFIG_POSIX_MQUEUE): %w", errors.ErrUnsupported)

// Most is the most messages, and the largest, that a queue may have.
func (l POSIXLimits) Most() (messages, size int) {
	if l.Privileged {
		return hardMessages, hardMessageSize
	}
	return l.Messages, l.MessageSize
}

// Cost is what a queue is charged against RLIMIT_MSGQUEUE, in bytes: its messages, and for each what the kernel keeps beside it (see
// getrlimit(2)).
func (l POSIXLimits) Cost(messages, size int) uint64 {
	const message, node = 48, 48 // struct msg_msg, struct posix_msg_tree_node
	return uint64(messages)*(message+uint64(size)) + uint64(min(messages, 32768))*node
}

// SysVLimits is what the kernel lets a process have of System V queues.
type SysVLimits struct {
	MessageSize int // bytes: kernel.msgmax
	QueueBytes  int // kernel.msgmnb
	Queues      int // kernel.msgmni
}

// ReadSysVLimits reads them. The error matches errors.ErrUnsupported if the kernel has no System V queues.
func ReadSysVLimits() (SysVLimits, error) {
	var l SysVLimits
	const dir = "/proc/sys/kernel/"
	for name, to := range map[string]*int{"msgmax": &l.MessageSize, "msgmnb": &l.QueueBytes, "msgmni": &l.Queues} {
		if err := readNumber(dir+name, to); errors.Is(err, os.ErrNotExist) {
			return l, fmt.Errorf("this kernel has no System V message queues (CONFIG_SYSVIPC): %w", errors.ErrUnsupported)
		} else if err != nil {
			return l, err
		}
	}
	return l, nil
}

func readNumber(path string, to *int) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read a limit of message queues: %w", err)
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	*to = int(min(n, math.MaxInt32))
	return nil
}

// refusedPOSIX explains an error of mq_open for a new queue.
func refusedPOSIX(l POSIXLimits, messages, size int, err error) error {
	mostMessages, mostSize := l.Most()
	if l.Privileged && errors.Is(err, errInvalid) && messages <= mostMessages && size <= mostSize {
		// Privileged in a user namespace only, which the kernel does not count.
		l.Privileged = false
		mostMessages, mostSize = l.Most()
	}
	switch {
	case errors.Is(err, errInvalid) && messages > mostMessages:
		return fmt.Errorf("%d messages asked for, but %s is %d; raise it with `sysctl -w fs.mqueue.msg_max=%d`: %w", messages, limitName(l, "fs.mqueue.msg_max"), mostMessages, messages, err)
	case errors.Is(err, errInvalid) && size > mostSize:
		return fmt.Errorf("messages of %d bytes asked for, but %s is %d; raise it with `sysctl -w fs.mqueue.msgsize_max=%d`: %w", size, limitName(l, "fs.mqueue.msgsize_max"), mostSize, size, err)
	case errors.Is(err, errTooManyFiles):
		return fmt.Errorf("it takes %d bytes, and RLIMIT_MSGQUEUE lets all queues of this user have %d; raise it with `ulimit -q` or LimitMSGQUEUE=, or remove queues that are not needed: %w",
			l.Cost(messages, size), l.Bytes, err)
	case errors.Is(err, errNoSpace):
		return fmt.Errorf("the host has as many queues as fs.mqueue.queues_max allows, %d; raise it with `sysctl -w fs.mqueue.queues_max=%d`, or remove some: %w", l.Queues, more(l.Queues), err)
	}
	return err
}

// more is what a limit may be raised to that stands in the way of one thing more.
func more(limit int) int { return max(1, 2*limit) }

func limitName(l POSIXLimits, name string) string {
	if l.Privileged {
		return "the kernel's own limit beyond " + name
	}
	return name
}
