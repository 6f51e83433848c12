//go:build !linux

package segment

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"shmpipe/protocol"
)

// Segment is one attachment to a segment. There are none on this system.
type Segment struct{}

// Lease says that its holder lives. There are none on this system.
type Lease struct{}

func unsupported() error {
	return fmt.Errorf("segments need Linux, this is %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Create returns an error that matches [errors.ErrUnsupported].
func Create(Backend, string, *protocol.Header, Options) (*Segment, error) { return nil, unsupported() }

// Open returns an error that matches [errors.ErrUnsupported].
func Open(Backend, string, Options) (*Segment, error) { return nil, unsupported() }

// OpenFile returns an error that matches [errors.ErrUnsupported].
func OpenFile(*os.File, Options) (*Segment, error) { return nil, unsupported() }

// Remove returns an error that matches [errors.ErrUnsupported].
func Remove(Backend, string, Options, bool) error { return unsupported() }

// List returns an error that matches [errors.ErrUnsupported].
func List(Backend, Options) ([]Entry, error) { return nil, unsupported() }

// Bytes returns nil.
func (s *Segment) Bytes() []byte { return nil }

// Header returns nil.
func (s *Segment) Header() *protocol.Header { return nil }

// Name returns "".
func (s *Segment) Name() string { return "" }

// Backend returns the zero value.
func (s *Segment) Backend() Backend { return 0 }

// Path returns "".
func (s *Segment) Path() string { return "" }

// Obtained returns the zero value.
func (s *Segment) Obtained() Obtained { return Obtained{} }

// State returns StateRemoved.
func (s *Segment) State() uint32 { return protocol.StateRemoved }

// File returns an error that matches [errors.ErrUnsupported].
func (s *Segment) File() (*os.File, error) { return nil, unsupported() }

// Lease returns an error that matches [errors.ErrUnsupported].
func (s *Segment) Lease(uint32) (*Lease, error) { return nil, unsupported() }

// Prove returns an error that matches [errors.ErrUnsupported].
func (s *Segment) Prove(uint32) (*Lease, error) { return nil, unsupported() }

// Held returns an error that matches [errors.ErrUnsupported].
func (s *Segment) Held(uint32) (bool, error) { return false, unsupported() }

// RemoveIfIdle returns an error that matches [errors.ErrUnsupported].
func (s *Segment) RemoveIfIdle(...*Lease) error { return unsupported() }

// Close does nothing.
func (s *Segment) Close() error { return nil }

// Participant returns 0.
func (l *Lease) Participant() uint32 { return 0 }

// Release does nothing.
func (l *Lease) Release() error { return nil }
