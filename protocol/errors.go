package protocol

import (
	"errors"
	"fmt"
	"io/fs"
)

// Errors that the lower packages share. The root package re-exports them.
var (
	// ErrNotSegment: the object has the name but is nothing of ours.
	ErrNotSegment = errors.New("not a shmpipe segment")
	// ErrVersion: a segment, of a version, byte order or feature set that this build cannot read. It is not damaged.
	ErrVersion = errors.New("incompatible version")
	// ErrCorrupt: a segment whose contents break the protocol. Always wrapped in a [*CorruptError].
	ErrCorrupt = errors.New("corrupt segment")
	// ErrNotReady: the creator has not published the segment, or died before it could.
	ErrNotReady = errors.New("segment is not ready")
	// ErrBusy: a live participant holds what was asked for.
	ErrBusy = errors.New("held by a live participant")
	// ErrRemoved: the segment's name was removed while it was being attached to.
	ErrRemoved = errors.New("segment was removed")
	// ErrReadOnly: the segment has a feature that this build may look at but must not write to.
	ErrReadOnly = errors.New("segment is read-only for this build")
	// ErrTooManyParticipants: as many take part as the participant table holds.
	ErrTooManyParticipants = errors.New("too many participants")
)

// Errors from sending and receiving, which mean the same whatever carries the messages. They are returned as they are, not wrapped.
var (
	ErrFull       = errors.New("shmpipe: ring is full")
	ErrEmpty      = errors.New("shmpipe: ring is empty")
	ErrTooLarge   = errors.New("shmpipe: message is larger than the ring's limit")
	ErrPeerClosed = errors.New("shmpipe: consumer has closed")
	ErrPeerDied   = errors.New("shmpipe: peer died without closing")
	ErrClosed     = fmt.Errorf("shmpipe: %w", fs.ErrClosed)
)

// CorruptError says what broke the protocol: the field, its offset in the segment (or position in the ring), what it held, and
// what it should hold. It matches [ErrCorrupt].
type CorruptError struct {
	Field  string
	Offset uint64
	Got    uint64
	Want   string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%v: %s at %#x is %d (%#x), want %s", ErrCorrupt, e.Field, e.Offset, e.Got, e.Got, e.Want)
}

// Unwrap makes errors.Is(err, ErrCorrupt) hold.
func (e *CorruptError) Unwrap() error { return ErrCorrupt }

func corrupt(field string, off int, got, want uint64) error {
	return &CorruptError{Field: field, Offset: uint64(off), Got: got, Want: fmt.Sprintf("%d (%#x)", want, want)}
}

func corruptRange[O int | uint64](field string, off O, got, low, high uint64) error {
	return &CorruptError{Field: field, Offset: uint64(off), Got: got, Want: fmt.Sprintf("%d to %d", low, high)}
}

func notSegment(magic []byte) error {
	return fmt.Errorf("%w: magic is %q, want %q", ErrNotSegment, magic, Magic[:])
}

func versionError(field string, got, want uint64, advice string) error {
	return fmt.Errorf("%w: %s is %#x, this build reads %#x; %s", ErrVersion, field, got, want, advice)
}

func featureError(unknown uint64) error {
	return fmt.Errorf("%w: incompatible feature bits %#x are not known to this build; open it with a newer release", ErrVersion, unknown)
}

func readOnlyError(unknown uint64) error {
	return fmt.Errorf("%w: feature bits %#x are not known to it; use a newer release", ErrReadOnly, unknown)
}
