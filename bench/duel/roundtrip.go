package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"shmpipe"
	"shmpipe/internal/spin"
)

// roundTrips sends a message there and back over two rings. The clock is read once a round trip, the end of one being the start of
// the next; its cost is in the figure.
func roundTrips(c *contest) error {
	p, wait, err := pair(c, 2)
	if err != nil {
		return err
	}
	there, back := 1, 0
	if isChild() {
		there, back = back, there
	}
	out, err := p.ProducerOf(there)
	if err != nil {
		return err
	}
	in, err := p.ConsumerOf(back)
	if err != nil {
		return err
	}
	ctx := context.Background()
	send := func(b []byte) error { return out.Send(ctx, b) }
	receive := func(k *checker) error { return c.receiveUntil(in, k, k.next+1) }
	if err := c.bounce(send, receive); err != nil {
		return err
	}
	return errors.Join(out.Close(), in.Close(), wait())
}

// bounce is both sides of a ping-pong; the first process measures.
func (c *contest) bounce(send func([]byte) error, receive func(*checker) error) error {
	msg, k := pattern(c.size), &checker{size: c.size}
	if isChild() {
		for i := range c.count {
			if err := receive(k); err != nil {
				return err
			}
			binary.LittleEndian.PutUint64(msg, uint64(i))
			if err := send(msg); err != nil {
				return err
			}
		}
		return k.end()
	}
	// The cheapest clock, as the contestants in C: time.Now takes as long as half a cache line.
	took, perMicro := make([]time.Duration, c.count), spin.TicksPerMicrosecond()
	last := spin.Ticks()
	for i := range took {
		binary.LittleEndian.PutUint64(msg, uint64(i))
		if err := send(msg); err != nil {
			return err
		}
		if err := receive(k); err != nil {
			return err
		}
		now := spin.Ticks()
		took[i], last = time.Duration((now-last)*1000/perMicro), now
	}
	c.percentiles(took[min(len(took)/10, 1000):]) // the first ones warm up
	return k.end()
}

// percentiles prints what is asked of a series of times.
func (c *contest) percentiles(took []time.Duration) {
	var sum time.Duration
	for _, d := range took {
		sum += d
	}
	slices.Sort(took)
	at := func(p float64) int64 { return int64(took[min(len(took)-1, int(p*float64(len(took))))]) }
	c.report("rate=%.0f mean_ns=%.1f p50_ns=%d p90_ns=%d p99_ns=%d p999_ns=%d max_ns=%d",
		c.rate, float64(sum)/float64(len(took)), at(0.5), at(0.9), at(0.99), at(0.999), took[len(took)-1])
}

// kernelPipe is roundTrips over os.Pipe, as a Go program would use it.
func kernelPipe(c *contest) error {
	var in, out *os.File
	wait := func() error { return nil }
	if isChild() {
		in, out = os.NewFile(3, "in"), os.NewFile(4, "out")
	} else {
		childIn, there, err := os.Pipe()
		if err != nil {
			return err
		}
		back, childOut, err := os.Pipe()
		if err != nil {
			return err
		}
		if wait, err = startChild(childIn, childOut); err != nil {
			return err
		}
		in, out = back, there
	}
	if err := pin(); err != nil {
		return err
	}
	buf := make([]byte, c.size)
	err := c.bounce(func(b []byte) error {
		_, err := out.Write(b)
		return err
	}, func(k *checker) error {
		if _, err := io.ReadFull(in, buf); err != nil {
			return err
		}
		return k.check(buf)
	})
	return errors.Join(err, out.Close(), in.Close(), wait())
}

// idle waits on an empty ring and reports the CPU time that took.
func idle(c *contest) error {
	p, err := shmpipe.Create("duel", shmpipe.Geometry{Capacity: c.capacity}, c.options())
	if err != nil {
		return err
	}
	in, err := p.Consumer()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(c.size)*time.Millisecond)
	defer cancel()
	before, start := cpuTime(), time.Now()
	if _, err := in.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		return errors.Join(errors.New("a message came out of an empty ring"), err)
	}
	used, elapsed := time.Duration(cpuTime()-before), time.Since(start)
	c.report("cpu_us=%d elapsed_ms=%d percent=%.3f", used.Microseconds(), elapsed.Milliseconds(), 100*float64(used)/float64(elapsed))
	return in.Close()
}
