package vyukov

import (
	"fmt"
	"io/fs"
	"math/bits"
)

// Offsets in the memory, in bytes. Two lines apart, because processors fetch lines in pairs. The creator writes the first words;
// the magic is written last.
const (
	offMagic   = 0
	offSlots   = 8  // a power of two
	offPayload = 16 // bytes of a message
	offEnqueue = 128
	offDequeue = 256
	offCells   = 384
)

const (
	magic        = 0x76756b_6f762d_7131 // says that the memory was formatted by this package
	sequenceSize = 8
	maxBytes     = 1 << 40 // more is a mistake; it keeps the arithmetic below from overflowing
)

// stride is the distance of two slots: the sequence and the payload, rounded up so that sequences stay aligned.
func stride(payload int) int { return (sequenceSize + payload + 7) &^ 7 }

// Bytes is the memory that a queue takes.
func Bytes(slots, payload int) int { return offCells + slots*stride(payload) }

// SlotsFor is the number of slots for which a queue of messages of payload bytes comes closest to so many bytes of slots: the
// power of two whose ratio to it is nearest to one, and at least 2.
func SlotsFor(bytes, payload int) int {
	n := max(2, bytes/stride(payload))
	below := 1 << (bits.Len(uint(n)) - 1)
	// Nearer to 2*below than to below by ratio: n/below > 2*below/n.
	if float64(n)*float64(n) > 2*float64(below)*float64(below) {
		return 2 * below
	}
	return below
}

func checkGeometry(slots, payload int) error {
	if slots < 2 || slots > maxBytes || slots&(slots-1) != 0 || payload < 1 || payload > maxBytes || slots > maxBytes/stride(payload) {
		return fmt.Errorf("queue of %d slots of %d bytes: want a power of two of at least 2, at least 1 byte, and at most %d bytes in all: %w",
			slots, payload, maxBytes, fs.ErrInvalid)
	}
	return nil
}
