package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

const line = 64

// message returns the pattern every message carries after its sequence number. It differs from line to line.
func message(size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(7 + i/line*37)
	}
	return p
}

// touch adds up a word of every cache line after the first word. Steps of a line from word one reach every line but perhaps the
// last, which depends on how the message lies; the last word covers that.
func touch(p []byte) uint64 {
	var sum uint64
	for at := 8; at+8 <= len(p); at += line {
		sum += binary.LittleEndian.Uint64(p[at:])
	}
	if len(p) >= 16 {
		sum += binary.LittleEndian.Uint64(p[len(p)-8:])
	}
	return sum
}

// reader checks messages as they come and keeps the sum of what it read.
type reader struct {
	size int
	copy []byte // nil: messages are read in place
	sum  uint64
}

func (r run) newReader() *reader {
	d := &reader{size: r.size}
	if r.copyOut {
		d.copy = make([]byte, r.size)
	}
	return d
}

func (d *reader) read(p []byte, want uint64) error {
	if len(p) != d.size {
		return fmt.Errorf("message %d: got %d bytes, want %d", want, len(p), d.size)
	}
	if d.copy != nil {
		p = d.copy[:copy(d.copy, p)]
	}
	if got := binary.LittleEndian.Uint64(p); got != want {
		return fmt.Errorf("out of order: got message %d, want %d", got, want)
	}
	d.sum += touch(p)
	return nil
}

func (d *reader) check(count uint64) error {
	if want := count * touch(message(d.size)); d.sum != want {
		return fmt.Errorf("torn message: sum is %#x, want %#x", d.sum, want)
	}
	return nil
}

func (r run) throughput(p *pair) error {
	if p.producer {
		var s sender
		s.tx.Init(p.pipes[0])
		m := message(r.size)
		p.meet()
		var pending uint64
		for i := range r.count {
			binary.LittleEndian.PutUint64(m, i)
			s.send(m)
			if pending++; pending == r.batch {
				s.tx.Flush()
				pending = 0
			}
		}
		s.tx.Flush()
		return nil
	}
	rx, d := newReceiver(p.pipes[0], r.batch, r.pauses), r.newReader()
	p.meet()
	begin := time.Now()
	for i := range r.count {
		if err := d.read(rx.next(), i); err != nil {
			return err
		}
		rx.done()
	}
	secs := time.Since(begin).Seconds()
	if err := d.check(r.count); err != nil {
		return err
	}
	n := float64(r.count)
	fmt.Printf("gvisorpipe thr size=%d count=%d batch=%d cap=%d copy=%t pauses=%d secs=%.4f ns_per_msg=%.2f msgs_per_s=%.0f\n",
		r.size, r.count, r.batch, r.cap, r.copyOut, r.pauses, secs, secs*1e9/n, n/secs)
	return nil
}

// roundTrips sends from the consumer's process to the producer's and back. The clock is read once a round trip, the end of one being
// the start of the next, so each figure holds the cost of one reading; it is printed and not subtracted.
func (r run) roundTrips(p *pair) error {
	back, there := p.pipes[0], p.pipes[1]
	var s sender
	m, d := message(r.size), r.newReader()
	if p.producer {
		s.tx.Init(back)
		rx := newReceiver(there, 1, r.pauses)
		p.meet()
		for i := range r.count {
			if err := d.read(rx.next(), i); err != nil {
				return err
			}
			rx.done()
			binary.LittleEndian.PutUint64(m, i)
			s.send(m)
			s.tx.Flush()
		}
		return d.check(r.count)
	}
	s.tx.Init(there)
	rx := newReceiver(back, 1, r.pauses)
	took := make([]uint64, r.count)
	clear(took) // take the page faults now
	cost := clockCost()
	p.meet()
	begin, first := time.Now(), ticks()
	last := first
	for i := range r.count {
		binary.LittleEndian.PutUint64(m, i)
		s.send(m)
		s.tx.Flush()
		if err := d.read(rx.next(), i); err != nil {
			return err
		}
		rx.done()
		now := ticks()
		took[i] = now - last
		last = now
	}
	ns := float64(time.Since(begin))
	if err := d.check(r.count); err != nil {
		return err
	}
	unit := ns / float64(last-first)
	slices.Sort(took)
	fmt.Printf("gvisorpipe rtt size=%d count=%d cap=%d copy=%t pauses=%d clock_ns=%.1f mean_ns=%.1f p50_ns=%.0f p99_ns=%.0f\n",
		r.size, r.count, r.cap, r.copyOut, r.pauses, float64(cost)*unit, ns/float64(r.count),
		float64(took[r.count/2])*unit, float64(took[r.count*99/100])*unit)
	return nil
}

// clockCost is the median distance of two neighbouring readings of ticks.
func clockCost() uint64 {
	cost := make([]uint64, 1001)
	for i := range cost {
		t := ticks()
		cost[i] = ticks() - t
	}
	slices.Sort(cost)
	return cost[len(cost)/2]
}
