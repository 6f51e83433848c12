package segment

import (
	"cmp"
	"fmt"
	"io/fs"
)

// DefaultDir holds the files of segments. It is /dev/shm for the lock files of SysV too, and not the runtime directory of a
// login session: that one differs between the sessions and services of one user, and two peers with different lock files would
// be blind to each other's leases.
const DefaultDir = "/dev/shm"

// Options of a segment. The zero value is a good choice.
type Options struct {
	// Dir holds the files of POSIX segments and the lock files of SysV ones; "" means [DefaultDir]. Peers must use the same.
	Dir string
	// Perm is the exact mode of a new segment, whatever the umask; 0 means 0600. Its owner must be able to read and to write.
	Perm fs.FileMode
	// AllowOtherOwner lets Open and OpenFile accept a segment that belongs to a user other than this process's and root. Such
	// a user can end this process by truncating the file, so it is off by default.
	AllowOtherOwner bool
	// ReadOnly maps a segment for looking only: writing to its bytes is a fault, and it gives no leases. Open accepts then what
	// this build must not write to, see [shmpipe/protocol.ErrReadOnly]. Create ignores it.
	ReadOnly bool
	// HugePages, Lock and Prefault are best effort. What came of them is in [Segment.Obtained].
	HugePages bool // back the mapping with huge pages; this touches all of it
	Lock      bool // keep the mapping in memory (mlock)
	Prefault  bool // take the page faults now and not at the first message
}

// Obtained says what came of the best-effort options. Each is "" if it was not asked for, "yes", "partly: " with the extent, or
// "no: " with the reason.
type Obtained struct {
	HugePages  string
	Locked     string
	Prefaulted string
}

func (o Options) dir() string { return cmp.Or(o.Dir, DefaultDir) }

func (o Options) perm() (uint32, error) {
	p := cmp.Or(o.Perm, 0o600)
	switch {
	case p&^fs.ModePerm != 0 || p&0o111 != 0:
		return 0, fmt.Errorf("mode of a segment is %v, want only read and write bits, such as 0600 or 0660: %w", p, fs.ErrInvalid)
	case p&0o600 != 0o600:
		return 0, fmt.Errorf("mode of a segment is %#o, want the owner to read and write (0600): %w", p, fs.ErrInvalid)
	}
	return uint32(p), nil
}
