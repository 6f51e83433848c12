package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

// prefixSize is the length before each message in the framing "prefixed": 32 bits, little-endian.
const prefixSize = 4

// splitter cuts a stream into messages. It returns as many as one read brought, so that nothing waits for what is not there yet.
type splitter struct {
	r     io.Reader
	cut   cutter
	limit int // bytes of the longest message
	most  int // messages to return at once

	buf      []byte
	from, to int // what was read and not returned
	err      error
	count    uint64 // messages returned or about to be
	msgs     [][]byte
}

// cutter finds the first message in b, and how many bytes it takes with its framing; 0 if more must be read. N is the message's
// number, from 1. At the end of input, nothing more can be read.
type cutter func(b []byte, n uint64, limit int, end bool) (msg []byte, size int, err error)

func newSplitter(r io.Reader, cut cutter, limit, most int) *splitter {
	return &splitter{r: r, cut: cut, limit: limit, most: most, buf: make([]byte, 256<<10)}
}

// next returns messages, at least one; they are valid until the next call. It returns io.EOF at the end of input.
func (s *splitter) next() ([][]byte, error) {
	for {
		s.msgs = s.msgs[:0]
		var bad error
		for len(s.msgs) < s.most {
			msg, n, err := s.cut(s.buf[s.from:s.to], s.count+1, s.limit, s.err == io.EOF)
			if err != nil {
				bad = err
			}
			if err != nil || n == 0 {
				break
			}
			s.msgs, s.from, s.count = append(s.msgs, msg), s.from+n, s.count+1
		}
		switch {
		case len(s.msgs) > 0:
			return s.msgs, nil // an error comes again next time
		case bad != nil:
			return nil, s.measured(bad)
		case s.err != nil:
			return nil, s.err
		}
		s.fill()
	}
}

// fill reads more, and makes room for it first if there is none.
func (s *splitter) fill() {
	s.to, s.from = copy(s.buf, s.buf[s.from:s.to]), 0
	if s.to == len(s.buf) {
		s.buf = append(s.buf, make([]byte, len(s.buf))...)
	}
	n, err := s.r.Read(s.buf[s.to:])
	s.to += n
	s.err = err
}

// longLine is a line that is longer than a message may be.
type longLine struct {
	line   uint64 // from 1
	length uint64 // bytes
	ends   bool   // the length is all of it
	limit  int
}

func (e *longLine) Error() string {
	return fmt.Sprintf("line %d has %d bytes, a message of this segment at most %d; make the segment with a greater --capacity or --max-message, or use --frames blocks", e.line, e.length, e.limit)
}

// measured reads on to the end of a line that is too long, to say how long it is.
func (s *splitter) measured(err error) error {
	l, ok := err.(*longLine)
	if !ok || l.ends {
		return err
	}
	for s.err == nil {
		s.from, s.to = 0, 0
		s.fill()
		if i := bytes.IndexByte(s.buf[:s.to], '\n'); i >= 0 {
			l.length += uint64(i)
			return l
		}
		l.length += uint64(s.to)
	}
	if s.err != io.EOF {
		return s.err
	}
	return l
}

// cutLine finds a line; its newline is no part of the message. The last line need not have one.
func cutLine(b []byte, n uint64, limit int, end bool) ([]byte, int, error) {
	i := bytes.IndexByte(b, '\n')
	switch {
	case i > limit:
		return nil, 0, &longLine{line: n, length: uint64(i), ends: true, limit: limit}
	case i >= 0:
		return b[:i], i + 1, nil
	case len(b) > limit:
		return nil, 0, &longLine{line: n, length: uint64(len(b)), limit: limit}
	case end:
		return b, len(b), nil
	}
	return nil, 0, nil
}

// cutPrefixed finds a message with its length before it.
func cutPrefixed(b []byte, n uint64, limit int, end bool) ([]byte, int, error) {
	if len(b) >= prefixSize {
		length := int64(binary.LittleEndian.Uint32(b))
		if length > int64(limit) {
			return nil, 0, fmt.Errorf("message %d has %d bytes by its prefix, a message of this segment at most %d; make the segment with a greater --capacity or --max-message, or is the input not --frames prefixed?", n, length, limit)
		}
		if have := int64(len(b) - prefixSize); have < length {
			if end {
				return nil, 0, fmt.Errorf("input ends within message %d: %d of %d bytes: %w", n, have, length, io.ErrUnexpectedEOF)
			}
			return nil, 0, nil
		}
		return b[prefixSize : prefixSize+length], int(prefixSize + length), nil
	}
	if end && len(b) > 0 {
		return nil, 0, fmt.Errorf("input ends within the prefix of message %d: %d of %d bytes: %w", n, len(b), prefixSize, io.ErrUnexpectedEOF)
	}
	return nil, 0, nil
}
