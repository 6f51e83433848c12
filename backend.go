package shmpipe

import (
	"fmt"
	"io/fs"

	"shmpipe/mqueue"
	"shmpipe/segment"
)

// Backend says what holds a pipe.
type Backend uint8

// Backends. Those that are no shared memory are slower and can do less; docs/fallback.md says what.
const (
	POSIX      Backend = iota // a file in /dev/shm; the default
	SysV                      // shmget, with a key derived from the name
	Memfd                     // no name: sealed, and handed to another process by descriptor; see [Pipe.File] and [OpenFile]
	POSIXQueue                // a POSIX message queue
	SysVQueue                 // a System V message queue
	Auto                      // the first that can be had of POSIX, SysV, POSIXQueue and SysVQueue; [Info] has the reason
)

var backendNames = [...]string{POSIX: "posix", SysV: "sysv", Memfd: "memfd", POSIXQueue: "posix-mq", SysVQueue: "sysv-mq", Auto: "auto"}

func (b Backend) String() string {
	if int(b) < len(backendNames) {
		return backendNames[b]
	}
	return fmt.Sprintf("backend(%d)", uint8(b))
}

// ParseBackend is the inverse of Backend.String. The error matches fs.ErrInvalid.
func ParseBackend(s string) (Backend, error) {
	for b, name := range backendNames {
		if s == name {
			return Backend(b), nil
		}
	}
	return 0, fmt.Errorf("backend %q is unknown, want posix, sysv, memfd, posix-mq, sysv-mq or auto: %w", s, fs.ErrInvalid)
}

// Queue reports whether the backend is a message queue of the kernel, not shared memory.
func (b Backend) Queue() bool { return b == POSIXQueue || b == SysVQueue }

// segment is the backend of package segment; one that it does not know stays unknown.
func (b Backend) segment() segment.Backend {
	switch b {
	case POSIX:
		return segment.POSIX
	case SysV:
		return segment.SysV
	case Memfd:
		return segment.Memfd
	}
	return segment.Backend(255)
}

func (b Backend) queue() mqueue.Kind {
	if b == SysVQueue {
		return mqueue.SysV
	}
	return mqueue.POSIX
}

func fromSegment(b segment.Backend) Backend {
	switch b {
	case segment.SysV:
		return SysV
	case segment.Memfd:
		return Memfd
	}
	return POSIX
}
