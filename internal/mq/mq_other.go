//go:build !linux

package mq

import (
	"errors"
	"io/fs"
	"syscall"
)

const (
	errInvalid      = syscall.EINVAL
	errTooManyFiles = syscall.EMFILE
	errNoSpace      = syscall.ENOSPC
)

func queueLimit() (uint64, error) { return 0, errors.ErrUnsupported }

func privileged() bool { return false }

// Queue is a handle on a queue. There are none on this system, and every function returns errors.ErrUnsupported.
type Queue struct{}

// Waiter lets other goroutines end a wait.
type Waiter struct{}

func CreatePOSIX(string, int, int, fs.FileMode) (*Queue, error) { return nil, errors.ErrUnsupported }
func OpenPOSIX(string, bool) (*Queue, error)                    { return nil, errors.ErrUnsupported }
func RemovePOSIX(string) error                                  { return errors.ErrUnsupported }
func ListPOSIX() ([]string, error)                              { return nil, errors.ErrUnsupported }
func CreateSysV(int32, int64, fs.FileMode) (*Queue, error)      { return nil, errors.ErrUnsupported }
func OpenSysV(int32) (*Queue, error)                            { return nil, errors.ErrUnsupported }
func OpenSysVID(int) (*Queue, error)                            { return nil, errors.ErrUnsupported }
func ListSysV() ([]Entry, error)                                { return nil, errors.ErrUnsupported }
func NewWaiter() *Waiter                                        { return &Waiter{} }
func (w *Waiter) Interrupt()                                    {}
func (w *Waiter) Reset()                                        {}
func (q *Queue) Name() string                                   { return "" }
func (q *Queue) Key() int32                                     { return 0 }
func (q *Queue) ID() int                                        { return 0 }
func (q *Queue) Attr() (Attr, error)                            { return Attr{}, errors.ErrUnsupported }
func (q *Queue) Remove() error                                  { return errors.ErrUnsupported }
func (q *Queue) Close() error                                   { return errors.ErrUnsupported }
func (q *Queue) TrySend([]byte) error                           { return errors.ErrUnsupported }
func (q *Queue) Send(*Waiter, []byte) error                     { return errors.ErrUnsupported }
func (q *Queue) TryReceive([]byte) (int, error)                 { return 0, errors.ErrUnsupported }
func (q *Queue) Receive(*Waiter, []byte) (int, error)           { return 0, errors.ErrUnsupported }
func (q *Queue) Wait(*Waiter) error                             { return errors.ErrUnsupported }
