package mqueue

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
)

// errNoTurn: it is somebody else's turn, and we shall not wait.
var errNoTurn = errors.New("it is another's turn")

// turnOf takes a turn, which is a locked byte, so that it comes free however its holder ends. Nothing tells of that, so whoever waits tries
// again, at first after 20 microseconds and then ever later, up to a millisecond.
func (e *end) turnOf(ctx context.Context, turn int64, check func() error) error {
	for pause := 20 * time.Microsecond; ; pause = min(2*pause, time.Millisecond) {
		ok, err := ofd.Lock(e.lease, unix.F_WRLCK, turn, 1)
		if ok || err != nil {
			return err
		}
		if ctx == nil {
			return errNoTurn
		}
		if err := e.stopped(ctx); err != nil {
			return err
		}
		if err := check(); err != nil {
			return err
		}
		if err := e.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// sleep pauses, unless ctx is done or the end is closed before.
func (e *end) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return e.stopped(ctx)
}
