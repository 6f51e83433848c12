//go:build !linux

package mqueue

import (
	"context"
	"errors"
)

// Queue is a handle on a queue. There are none on this system: every function returns errors.ErrUnsupported.
type Queue struct{}

// Sender is the sending end.
type Sender struct{}

// Receiver is the receiving end.
type Receiver struct{}

func Create(Kind, string, Geometry, Options) (*Queue, error) { return nil, errors.ErrUnsupported }
func Open(Kind, string, Options) (*Queue, error)             { return nil, errors.ErrUnsupported }
func Remove(Kind, string, Options, bool) error               { return errors.ErrUnsupported }
func List(Kind, Options) ([]Entry, error)                    { return nil, errors.ErrUnsupported }

func (q *Queue) Info() (Info, error)        { return Info{}, errors.ErrUnsupported }
func (q *Queue) Depth() (int, int64, error) { return 0, 0, errors.ErrUnsupported }
func (q *Queue) Totals() (sent, received Counters, err error) {
	return sent, received, errors.ErrUnsupported
}
func (q *Queue) Reap() (int, error)                          { return 0, errors.ErrUnsupported }
func (q *Queue) Close() error                                { return nil }
func (q *Queue) Sender(EndOptions) (*Sender, error)          { return nil, errors.ErrUnsupported }
func (q *Queue) Receiver(EndOptions) (*Receiver, error)      { return nil, errors.ErrUnsupported }
func (s *Sender) Send(context.Context, []byte, uint16) error { return errors.ErrUnsupported }
func (s *Sender) Drain(context.Context) error                { return errors.ErrUnsupported }
func (s *Sender) MaxMessage() int                            { return 0 }
func (s *Sender) Interrupt()                                 {}
func (s *Sender) Close() error                               { return nil }
func (r *Receiver) Next(context.Context) ([]byte, uint16, bool, error) {
	return nil, 0, false, errors.ErrUnsupported
}
func (r *Receiver) Return()      {}
func (r *Receiver) Interrupt()   {}
func (r *Receiver) Close() error { return nil }
