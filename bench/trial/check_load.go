package trial

import (
	"encoding/binary"
	"fmt"

	"shmpipe/futex"
)

// due is when message i is due: nanoseconds of CLOCK_MONOTONIC. Both sides reckon alike, so that a message's due time stands for its number.
func due(start int64, i uint64, rate int) int64 { return start + int64(float64(i)*1e9/float64(rate)) }

// loadCheck is what a Checker keeps under a load, where a due time is in place of the number.
type loadCheck struct {
	size  int
	rate  int
	start int64
	took  []uint64 // latencies in nanoseconds
}

// newLoadChecker makes a checker for count messages at a rate. No message has the size -1, so that each one takes the slow way to due.
func newLoadChecker(size, count, rate int) *Checker {
	return &Checker{size: -1, load: &loadCheck{size: size, rate: rate, took: present(count)[:0]}}
}

// present is a slice whose memory is there already: page faults do not belong to the figures.
func present(n int) []uint64 {
	s := make([]uint64, n)
	for i := range s {
		s[i] = 1
	}
	return s
}

func (c *Checker) due(p []byte) error {
	l := c.load
	now := futex.Now()
	if len(p) != l.size {
		return fmt.Errorf("message %d has %d bytes, want %d", c.next, len(p), l.size)
	}
	at := int64(binary.LittleEndian.Uint64(p))
	if c.next == 0 {
		l.start = at
	}
	if want := due(l.start, c.next, l.rate); at != want {
		return fmt.Errorf("message %d was due %d ns after the first one, want %d: messages were lost or came out of order", c.next, at-l.start, want-l.start)
	}
	if differ(p, uint64(at)) != 0 {
		return torn(c.next)
	}
	// The two processes tie their clocks to the kernel's each for itself, so a very short time may come out as less than none.
	l.took = append(l.took, uint64(max(now-at, 0)))
	c.next++
	return nil
}
