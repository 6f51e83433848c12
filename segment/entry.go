package segment

import (
	"errors"
	"io/fs"
	"time"

	"shmpipe/protocol"
)

// ErrLockFile: a SysV segment's lock file is gone or belongs to another segment, so nobody can tell who holds leases on it.
var ErrLockFile = errors.New("lock file is missing or was replaced")

// Entry is one segment that [List] found. Nothing in it is kept up to date.
type Entry struct {
	Name    string
	Backend Backend
	Path    string // as Segment.Path has it
	Size    uint64 // bytes of the object, not of what its header says
	Mode    fs.FileMode
	UID     uint32 // owner
	// Created, State and Header are set if the header could be read.
	Created time.Time
	State   uint32
	Header  *protocol.Header
	// Err is what is wrong with it, if it is one of ours by its name but is no sound segment, or may not be read. It matches
	// the errors that Open would give.
	Err error
}
