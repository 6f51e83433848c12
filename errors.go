package shmpipe

import (
	"errors"

	"shmpipe/protocol"
)

// Errors from creating, opening and taking a role. They are wrapped in an error that names the object; use errors.Is. Besides
// them, fs.ErrExist, fs.ErrNotExist, fs.ErrPermission, fs.ErrInvalid (a bad name), syscall.ENOSPC and errors.ErrUnsupported
// (not Linux) are what they are elsewhere.
var (
	// ErrNotSegment: something else has the name.
	ErrNotSegment = protocol.ErrNotSegment
	// ErrNotReady: the segment's creator is not done, or died before it was.
	ErrNotReady = protocol.ErrNotReady
	// ErrVersion: the segment was made by a release that this one cannot work with.
	ErrVersion = protocol.ErrVersion
	// ErrCorrupt: the segment's contents break the protocol. Use errors.As with [*CorruptError] for what and where.
	ErrCorrupt = protocol.ErrCorrupt
	// ErrBusy: a live process has the role, or takes part in a segment that should be removed.
	ErrBusy = protocol.ErrBusy
	// ErrTooManyParticipants: as many take part in the ring as its participant table holds.
	ErrTooManyParticipants = protocol.ErrTooManyParticipants
	// ErrRemoved: the segment was removed between opening it and taking a role. Open it anew.
	ErrRemoved = protocol.ErrRemoved
	// ErrReadOnly: the segment has a feature that this release may look at but must not write to.
	ErrReadOnly = protocol.ErrReadOnly
)

// CorruptError says what broke the protocol.
type CorruptError = protocol.CorruptError

// Errors from sending and receiving. The methods return these very values, so == works as well as errors.Is.
var (
	// ErrFull: there is no space for the message now.
	ErrFull = protocol.ErrFull
	// ErrEmpty: there is no message now.
	ErrEmpty = protocol.ErrEmpty
	// ErrTooLarge: the message is longer than the ring's limit; see [Info].
	ErrTooLarge = protocol.ErrTooLarge
	// ErrPeerClosed: the consumer has left in order. The message was not sent.
	ErrPeerClosed = protocol.ErrPeerClosed
	// ErrPeerDied: the other side died without closing. A consumer gets it after the last message that was committed; a producer when
	// the ring is full, and the message was not sent. It lasts until a successor takes the role.
	ErrPeerDied = protocol.ErrPeerDied
	// ErrClaimed: a claim is held, which must be committed or aborted before anything else is sent.
	ErrClaimed = errors.New("shmpipe: a claim is held")
	// ErrClosed: this end was closed, by this process. It matches os.ErrClosed.
	ErrClosed = protocol.ErrClosed
)
