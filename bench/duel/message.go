package main

import (
	"encoding/binary"
	"fmt"
)

const line = 64

// pattern is what every message carries after its sequence number. It differs from line to line.
func pattern(size int) []byte {
	p := make([]byte, size)
	for i := range p {
		p[i] = byte(7 + i/line*37)
	}
	return p
}

// touch adds up a word of every cache line after the first word, wherever the message lies: steps of a line, and the last word.
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

// checker checks messages as they come.
type checker struct {
	size int
	next uint64
	sum  uint64
}

func (c *checker) check(p []byte) error {
	if len(p) != c.size {
		return fmt.Errorf("message %d has %d bytes, want %d", c.next, len(p), c.size)
	}
	if got := binary.LittleEndian.Uint64(p); got != c.next {
		return fmt.Errorf("message %d came, want %d", got, c.next)
	}
	c.next++
	c.sum += touch(p)
	return nil
}

// end compares what was read with what was sent.
func (c *checker) end() error {
	if want := c.next * touch(pattern(c.size)); c.sum != want {
		return fmt.Errorf("sum of all messages is %#x, want %#x: some were torn", c.sum, want)
	}
	return nil
}
