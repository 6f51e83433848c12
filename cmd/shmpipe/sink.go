package main

import (
	"encoding/binary"
	"io"
)

// sink writes messages with their framing.
//
// Without a buffer, put returns when the message's bytes were written, so that a message is finished no sooner than that. A buffer
// saves system calls for small messages, at a price: what is in it is finished, and lost if the process is killed.
type sink struct {
	w       io.Writer
	framing string // raw, lines or prefixed
	limit   int    // bytes to gather; 0 = none
	buf     []byte
}

// gatherMost is the longest message that is copied in order to be written in one call with its framing.
const gatherMost = 64 << 10

func (s *sink) put(msg []byte) error {
	size := len(msg) + prefixSize // no framing takes more
	if s.limit > 0 && size <= s.limit {
		if len(s.buf)+size > s.limit {
			if err := s.flush(); err != nil {
				return err
			}
		}
		s.buf = s.appendFramed(s.buf, msg)
		return nil
	}
	if err := s.flush(); err != nil {
		return err
	}
	if s.framing == framingRaw {
		return s.write(msg)
	}
	if len(msg) <= gatherMost {
		s.buf = s.appendFramed(s.buf, msg)
		return s.flush()
	}
	before, after := s.around(msg)
	for _, b := range [...][]byte{before, msg, after} {
		if err := s.write(b); err != nil {
			return err
		}
	}
	return nil
}

// flush writes what was gathered.
func (s *sink) flush() error {
	if len(s.buf) == 0 {
		return nil
	}
	err := s.write(s.buf)
	s.buf = s.buf[:0]
	return err
}

func (s *sink) write(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	_, err := s.w.Write(b)
	return err
}

// around is the framing before and after a message.
func (s *sink) around(msg []byte) (before, after []byte) {
	switch s.framing {
	case framingLines:
		return nil, []byte{'\n'}
	case framingPrefixed:
		return binary.LittleEndian.AppendUint32(nil, uint32(len(msg))), nil
	}
	return nil, nil
}

func (s *sink) appendFramed(b, msg []byte) []byte {
	switch s.framing {
	case framingLines:
		return append(append(b, msg...), '\n')
	case framingPrefixed:
		return append(binary.LittleEndian.AppendUint32(b, uint32(len(msg))), msg...)
	}
	return append(b, msg...)
}

// Framings: how messages stand in a stream.
const (
	framingRaw      = "raw"
	framingLines    = "lines"
	framingBlocks   = "blocks"
	framingPrefixed = "prefixed"
)
