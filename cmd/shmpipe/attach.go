package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"shmpipe"
)

// soon is how long a producer waits for a segment that somebody is just making or removing.
const soon = 2 * time.Second

// end is a role in a ring: a Producer or a Consumer.
type end interface {
	comparable
	Close() error
}

// attach opens a segment and takes a role of it, and tries again for as long as limit says while the segment is coming or going.
func attach[E end](ctx context.Context, limit time.Duration, open func() (*shmpipe.Pipe, error), take func(*shmpipe.Pipe) (E, error), comes func(error) bool) (*shmpipe.Pipe, E, error) {
	deadline := time.Now().Add(limit)
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		pipe, role, err := attachNow(open, take)
		if err == nil || !comes(err) {
			return pipe, role, err
		}
		left := time.Until(deadline)
		if left <= 0 {
			return nil, role, err
		}
		select {
		case <-time.After(min(pause, left)):
		case <-ctx.Done():
			return nil, role, context.Cause(ctx)
		}
	}
}

func attachNow[E end](open func() (*shmpipe.Pipe, error), take func(*shmpipe.Pipe) (E, error)) (pipe *shmpipe.Pipe, role E, err error) {
	if pipe, err = open(); err != nil {
		return nil, role, err
	}
	if role, err = take(pipe); errors.Is(err, shmpipe.ErrBusy) {
		err = fmt.Errorf("%w; for several at once, make the segment with --mode mpmc", err)
	}
	if err != nil {
		return nil, role, errors.Join(err, pipe.Close())
	}
	return pipe, role, nil
}

// attachConsumer waits for the segment to appear.
func attachConsumer(ctx context.Context, name string, limit time.Duration, o *shmpipe.Options) (*shmpipe.Pipe, *shmpipe.Consumer, error) {
	absent := func(err error) bool {
		return errors.Is(err, fs.ErrNotExist) || errors.Is(err, shmpipe.ErrNotReady) || errors.Is(err, shmpipe.ErrRemoved)
	}
	pipe, c, err := attach(ctx, limit, func() (*shmpipe.Pipe, error) { return shmpipe.Open(name, o) }, (*shmpipe.Pipe).Consumer, absent)
	if err != nil && absent(err) {
		err = fmt.Errorf("waited %v: %w", limit, err)
	}
	return pipe, c, err
}

// attachProducer makes the segment if it may, and waits a moment if another process is just making or removing it.
func attachProducer(ctx context.Context, name string, create bool, geo shmpipe.Geometry, o *shmpipe.Options) (*shmpipe.Pipe, *shmpipe.Producer, error) {
	open := func() (*shmpipe.Pipe, error) {
		if create {
			return shmpipe.OpenOrCreate(name, geo, o)
		}
		return shmpipe.Open(name, o)
	}
	return attach(ctx, soon, open, (*shmpipe.Pipe).Producer, func(err error) bool {
		return errors.Is(err, shmpipe.ErrNotReady) || errors.Is(err, shmpipe.ErrRemoved)
	})
}

// participantState is the state of the participant with a role of the first ring; "" if it cannot be had.
func participantState(pipe *shmpipe.Pipe, role string) string {
	info, err := pipe.Info()
	if err != nil {
		return ""
	}
	for _, p := range info.Participants {
		if p.Ring == 0 && p.Role == role {
			return p.State
		}
	}
	return ""
}

// sayWhy tells which backend was chosen, where that was left to us, and what a queue's limits made of what was asked for.
func (a *app) sayWhy(v segmentInfo, asked bool) {
	if a.backend == shmpipe.Auto.String() || asked && v.queue() {
		a.say("%s", v.Explain)
	}
}
