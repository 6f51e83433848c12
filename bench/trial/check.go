package trial

import (
	"encoding/binary"
	"fmt"
)

const line = 64 // bytes of a cache line

// Pattern is a message of number 0: what every message carries after its number, which differs from line to line.
func Pattern(size int) []byte {
	p := make([]byte, size)
	for i := 8; i < size; i++ {
		p[i] = byte(7 + i/line*37)
	}
	return p
}

// Stamp writes a message's number.
func Stamp(msg []byte, number uint64) { binary.LittleEndian.PutUint64(msg, number) }

// Sum adds up a word of every cache line after the first word, wherever the message lies: steps of a line, and the last word, if the
// message has 16 bytes or more.
func Sum(p []byte) uint64 {
	var sum uint64
	for at := 8; at+8 <= len(p); at += line {
		sum += binary.LittleEndian.Uint64(p[at:])
	}
	if len(p) >= 16 {
		sum += binary.LittleEndian.Uint64(p[len(p)-8:])
	}
	return sum
}

// Checker checks messages as they come. One goroutine uses it.
type Checker struct {
	size int    // bytes; negative: see load
	next uint64 // number of the message that should come
	sum  uint64
	load *loadCheck
}

// NewChecker makes a checker of messages that are numbered from 0.
func NewChecker(size int) *Checker { return &Checker{size: size} }

// Check checks a message. It is one call, with what it calls for each message inlined.
func (c *Checker) Check(p []byte) error {
	if len(p) != c.size || binary.LittleEndian.Uint64(p) != c.next {
		return c.unusual(p)
	}
	c.next++
	c.sum += Sum(p)
	return nil
}

// Seen is how many messages were checked.
func (c *Checker) Seen() uint64 { return c.next }

// Size is how many bytes a message should have.
func (c *Checker) Size() int {
	if c.load != nil {
		return c.load.size
	}
	return c.size
}

// Split makes n checkers for n channels, each with numbers from 0. Join takes back what they saw.
func (c *Checker) Split(n int) []*Checker {
	parts := make([]*Checker, n)
	for i := range parts {
		parts[i] = NewChecker(c.size)
	}
	return parts
}

// Join adds what the parts saw.
func (c *Checker) Join(parts []*Checker) {
	for _, p := range parts {
		c.next += p.next
		c.sum += p.sum
	}
}

// End compares what was read with what should have been.
func (c *Checker) End() error {
	if want := c.next * Sum(Pattern(c.Size())); c.sum != want {
		return fmt.Errorf("sum of %d messages is %#x, want %#x: some were torn", c.next, c.sum, want)
	}
	return nil
}

// unusual is a message under a load, or a wrong one.
func (c *Checker) unusual(p []byte) error {
	if c.load != nil {
		return c.due(p)
	}
	if len(p) != c.size {
		return fmt.Errorf("message %d has %d bytes, want %d", c.next, len(p), c.size)
	}
	return fmt.Errorf("message %d came, want %d", binary.LittleEndian.Uint64(p), c.next)
}
