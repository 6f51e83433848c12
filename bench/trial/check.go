package trial

import (
	"encoding/binary"
	"fmt"
)

const (
	line = 64 // bytes of a cache line
	word = 8  // bytes of a stamp
)

// Pattern is a message of number 0. The bytes between its stamps differ from line to line.
func Pattern(size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(7 + i/line*37)
	}
	Stamp(p, 0)
	return p
}

// Stamp writes a message's number to its first word, to every 64th byte from there and to its last word: so every cache line has it, wherever
// the message lies, and none can be left from an earlier message unnoticed. Stamps do not overlap: a place that would reach into the last word
// has none. The message has 8 bytes at least.
func Stamp(msg []byte, number uint64) {
	binary.LittleEndian.PutUint64(msg, number)
	for at := line; at+2*word <= len(msg); at += line {
		binary.LittleEndian.PutUint64(msg[at:], number)
	}
	if len(msg) >= 2*word {
		binary.LittleEndian.PutUint64(msg[len(msg)-word:], number)
	}
}

// differ is 0 if a message carries a number wherever Stamp writes it. It looks at all of them before it says so: a branch a message, not a line.
func differ(msg []byte, number uint64) uint64 {
	d := binary.LittleEndian.Uint64(msg) ^ number
	for at := line; at+2*word <= len(msg); at += line {
		d |= binary.LittleEndian.Uint64(msg[at:]) ^ number
	}
	if len(msg) >= 2*word {
		d |= binary.LittleEndian.Uint64(msg[len(msg)-word:]) ^ number
	}
	return d
}

// Checker checks messages as they come. One goroutine uses it.
type Checker struct {
	size int    // bytes; negative: see load
	next uint64 // number of the message that should come
	load *loadCheck
}

// NewChecker makes a checker of messages that are numbered from 0.
func NewChecker(size int) *Checker { return &Checker{size: size} }

// Check checks a message. It is one call, with what it calls for each message inlined.
func (c *Checker) Check(p []byte) error {
	if len(p) != c.size || differ(p, c.next) != 0 {
		return c.unusual(p)
	}
	c.next++
	return nil
}

// Seen is how many messages were checked.
func (c *Checker) Seen() uint64 { return c.next }

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
	}
}

// unusual is a message under a load, or a wrong one.
func (c *Checker) unusual(p []byte) error {
	if c.load != nil {
		return c.due(p)
	}
	if len(p) != c.size {
		return fmt.Errorf("message %d has %d bytes, want %d", c.next, len(p), c.size)
	}
	if number := binary.LittleEndian.Uint64(p); number != c.next {
		return fmt.Errorf("message %d came, want %d", number, c.next)
	}
	return torn(c.next)
}

// torn is the error of a message whose first word is right and another one is not.
func torn(message uint64) error {
	return fmt.Errorf("message %d is torn: not all of its cache lines carry its number, so some are of another message or were never written", message)
}
