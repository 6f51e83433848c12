package main

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"shmpipe"
	"shmpipe/futex"
	"shmpipe/internal/spin"
)

// load sends at a fixed rate, whatever the ring does, and measures from the time at which a message should have been sent: a ring that
// makes its producer wait does not hide that.
func load(c *contest) error {
	p, wait, err := pair(c, 1)
	if err != nil {
		return err
	}
	if isChild() {
		out, err := p.Producer()
		if err != nil {
			return err
		}
		return errors.Join(c.sendPaced(out), out.Close())
	}
	in, err := p.Consumer()
	if err != nil {
		return err
	}
	took := make([]time.Duration, 0, c.count)
	note := func(b []byte) {
		took = append(took, time.Duration(futex.Now()-int64(binary.LittleEndian.Uint64(b))))
		touch(b)
	}
	start := time.Now()
	if err := c.receiveLoad(in, note); err != nil {
		return err
	}
	c.rate = float64(c.count) / time.Since(start).Seconds()
	if err := errors.Join(in.Close(), wait()); err != nil {
		return err
	}
	c.percentiles(took[len(took)/10:])
	return nil
}

func (c *contest) receiveLoad(in *shmpipe.Consumer, note func([]byte)) error {
	ctx := context.Background()
	for n := 0; n < c.count; {
		if c.wait == "poll" {
			m, err := in.TryNext()
			if err == shmpipe.ErrEmpty {
				continue
			}
			if err != nil {
				return unexpected(err)
			}
			note(m.Bytes())
			n++
			continue
		}
		m, err := in.Next(ctx)
		if err != nil {
			return unexpected(err)
		}
		note(m.Bytes())
		n++
	}
	return nil
}

// sendPaced sends message i at start + i/rate, or as soon after as it can. CLOCK_MONOTONIC is the same in both processes.
func (c *contest) sendPaced(out *shmpipe.Producer) error {
	if c.extra <= 0 {
		return errors.New("want a rate of messages a second")
	}
	ctx, msg := context.Background(), pattern(c.size)
	start := futex.Now()
	for i := range c.count {
		due := start + int64(float64(i)*1e9/float64(c.extra))
		for futex.Now() < due {
			spin.Pause(1)
		}
		binary.LittleEndian.PutUint64(msg, uint64(due))
		if err := out.Send(ctx, msg); err != nil {
			return err
		}
	}
	return nil
}
