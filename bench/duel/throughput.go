package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"shmpipe"
)

// throughput sends as fast as it goes. The first process receives.
func throughput(c *contest) error {
	p, wait, err := pair(c, 1)
	if err != nil {
		return err
	}
	if isChild() {
		out, err := p.Producer()
		if err != nil {
			return err
		}
		if err := c.send(out); err != nil {
			return err
		}
		return out.Close()
	}
	in, err := p.Consumer()
	if err != nil {
		return err
	}
	k := &checker{size: c.size}
	elapsed, err := c.receive(in, k)
	if err != nil {
		return err
	}
	if err := errors.Join(k.end(), in.Close(), wait()); err != nil {
		return err
	}
	n := float64(c.count)
	c.report("batch=%d secs=%.4f ns_per_msg=%.2f msgs_per_s=%.0f", max(c.extra, 1), elapsed.Seconds(), elapsed.Seconds()*1e9/n, n/elapsed.Seconds())
	return nil
}

// send sends count messages, in batches if asked for.
func (c *contest) send(out *shmpipe.Producer) error {
	batch := max(c.extra, 1)
	msgs := make([][]byte, max(batch, c.sources))
	for i := range msgs {
		msgs[i] = pattern(c.size)
	}
	switch {
	case batch > 1:
		return c.sendBatches(out, msgs[:batch])
	case len(msgs) > 1:
		return c.sendInTurn(out, msgs)
	}
	ctx, msg := context.Background(), msgs[0]
	for i := range c.count {
		binary.LittleEndian.PutUint64(msg, uint64(i))
		if err := out.Send(ctx, msg); err != nil {
			return err
		}
	}
	return nil
}

// sendInTurn sends single messages out of as many buffers as a batch would take: large ones do not all stay in the sender's nearest cache.
func (c *contest) sendInTurn(out *shmpipe.Producer, msgs [][]byte) error {
	ctx := context.Background()
	for i := 0; i < c.count; {
		for _, msg := range msgs[:min(len(msgs), c.count-i)] {
			binary.LittleEndian.PutUint64(msg, uint64(i))
			if err := out.Send(ctx, msg); err != nil {
				return err
			}
			i++
		}
	}
	return nil
}

func (c *contest) sendBatches(out *shmpipe.Producer, msgs [][]byte) error {
	ctx := context.Background()
	for i := 0; i < c.count; {
		n := min(len(msgs), c.count-i)
		for j := range n {
			binary.LittleEndian.PutUint64(msgs[j], uint64(i+j))
		}
		if _, err := out.SendBatch(ctx, msgs[:n]); err != nil {
			return err
		}
		i += n
	}
	return nil
}

// receive receives count messages and returns the time from the first to the last.
func (c *contest) receive(in *shmpipe.Consumer, k *checker) (time.Duration, error) {
	if err := c.receiveUntil(in, k, 1); err != nil { // the start: both sides are there
		return 0, err
	}
	start := time.Now()
	err := c.receiveUntil(in, k, uint64(c.count))
	return time.Since(start), err
}

// receiveUntil receives until the checker has seen n messages, in the way that was asked for. Each way is a plain loop, as a user
// would write it.
func (c *contest) receiveUntil(in *shmpipe.Consumer, k *checker, n uint64) error {
	switch {
	case c.wait == "poll":
		return receivePolling(in, k, n)
	case c.copyOut:
		return receiveCopies(in, k, n)
	case c.extra > 1 && c.mode == "thr":
		return receiveBatches(in, k, n, c.extra)
	}
	ctx := context.Background()
	for k.next < n {
		m, err := in.Next(ctx)
		if err != nil {
			return unexpected(err)
		}
		if err := k.check(m.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func receivePolling(in *shmpipe.Consumer, k *checker, n uint64) error {
	for k.next < n {
		m, err := in.TryNext()
		if err == shmpipe.ErrEmpty {
			continue
		}
		if err != nil {
			return unexpected(err)
		}
		if err := k.check(m.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

func receiveCopies(in *shmpipe.Consumer, k *checker, n uint64) error {
	ctx, buf := context.Background(), make([]byte, k.size)
	for k.next < n {
		size, err := in.Receive(ctx, buf)
		if err != nil {
			return unexpected(err)
		}
		if err := k.check(buf[:size]); err != nil {
			return err
		}
	}
	return nil
}

func receiveBatches(in *shmpipe.Consumer, k *checker, n uint64, batch int) error {
	ctx := context.Background()
	for k.next < n {
		if _, err := in.Poll(ctx, min(4*batch, int(n-k.next)), k.check); err != nil {
			return unexpected(err)
		}
	}
	return nil
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
