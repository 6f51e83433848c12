package main

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"runtime"
	"time"

	"shmpipe/futex"
)

// A generated message says which of how many it is, who made it and when, and has a checksum of all of it:
//
//	offset  size
//	0       4     "shmg"
//	4       4     CRC-32C of what follows
//	8       8     number, from 0
//	16      8     how many there are
//	24      8     the generator's own random number
//	32      8     when it was due, nanoseconds of CLOCK_MONOTONIC
//	40      …     bytes that follow from the number
//
// All numbers are little-endian.
const (
	stampMark      = 4 // end of the mark
	stampCRC       = 4
	stampNumber    = 8
	stampTotal     = 16
	stampGenerator = 24
	stampTime      = 32
	stampSize      = 40 // the smallest message
)

var (
	stampMagic = [stampMark]byte{'s', 'h', 'm', 'g'}
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// generator makes numbered messages of one size.
type generator struct {
	id    uint64
	total uint64
	rate  float64 // messages a second; 0 = as fast as they go
	start int64   // when the first was due
}

func newGenerator(total uint64, rate float64) *generator {
	return &generator{id: rand.Uint64(), total: total, rate: rate, start: futex.Now()}
}

// fill writes message number n, due at a time.
func (g *generator) fill(b []byte, n uint64, due int64) {
	le := binary.LittleEndian
	copy(b, stampMagic[:])
	le.PutUint64(b[stampNumber:], n)
	le.PutUint64(b[stampTotal:], g.total)
	le.PutUint64(b[stampGenerator:], g.id)
	le.PutUint64(b[stampTime:], uint64(due))
	body, word := b[stampSize:], n
	for ; len(body) >= 8; body = body[8:] {
		word = word*0x9e3779b97f4a7c15 + 1 // any bytes that differ from message to message
		le.PutUint64(body, word)
	}
	for i := range body {
		body[i] = byte(word >> (8 * i))
	}
	le.PutUint32(b[stampCRC:], crc32.Checksum(b[stampNumber:], castagnoli))
}

// due waits until message n is due and returns that time. With a rate it is what the rate says, however late it is now, so that a
// latency includes what the message waited for because those before it were late.
func (g *generator) due(ctx context.Context, n uint64) (int64, error) {
	if g.rate == 0 {
		return futex.Now(), nil
	}
	at := g.start + int64(float64(n)/g.rate*1e9)
	for {
		left := time.Duration(at - futex.Now())
		switch {
		case left <= 0:
			return at, nil
		case left < 200*time.Microsecond: // a sleep takes longer than it says by about that
			runtime.Gosched()
		default:
			select {
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			case <-time.After(left - 150*time.Microsecond):
			}
		}
	}
}

// stamp is what a generated message says.
type stamp struct {
	number, total, generator uint64
	due                      int64
}

// readStamp reads a generated message. It reports whether it is one, and whether its checksum holds.
func readStamp(b []byte) (s stamp, generated, intact bool) {
	if len(b) < stampSize || [stampMark]byte(b[:stampMark]) != stampMagic {
		return stamp{}, false, false
	}
	le := binary.LittleEndian
	s = stamp{
		number:    le.Uint64(b[stampNumber:]),
		total:     le.Uint64(b[stampTotal:]),
		generator: le.Uint64(b[stampGenerator:]),
		due:       int64(le.Uint64(b[stampTime:])),
	}
	return s, true, le.Uint32(b[stampCRC:]) == crc32.Checksum(b[stampNumber:], castagnoli)
}
