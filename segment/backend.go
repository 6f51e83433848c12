package segment

import (
	"fmt"
	"io/fs"
)

// Backend says what holds a segment.
type Backend uint8

// Backends. The zero value is the default one.
const (
	POSIX Backend = iota // a file in /dev/shm
	SysV                 // shmget
	Memfd                // a sealed file without a name
)

func (b Backend) String() string {
	switch b {
	case POSIX:
		return "posix"
	case SysV:
		return "sysv"
	case Memfd:
		return "memfd"
	}
	return fmt.Sprintf("backend(%d)", uint8(b))
}

// ParseBackend is the inverse of [Backend.String]. The error matches [fs.ErrInvalid].
func ParseBackend(s string) (Backend, error) {
	for _, b := range [...]Backend{POSIX, SysV, Memfd} {
		if s == b.String() {
			return b, nil
		}
	}
	return 0, fmt.Errorf("backend %q is unknown, want posix, sysv or memfd: %w", s, fs.ErrInvalid)
}

func unknownBackend(b Backend) error {
	return fmt.Errorf("%v is unknown, want posix, sysv or memfd: %w", b, fs.ErrInvalid)
}
