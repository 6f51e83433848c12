package crowd

import (
	"encoding/binary"
	"fmt"
)

const (
	line          = 64
	sequenceBits  = 48
	lastSequence  = 1<<sequenceBits - 1
	poisonMessage = ^uint64(0) // the number of a message that says that there is no more
)

// stamp writes a number to every 64 bytes of a message and to its last word: to every cache line, wherever it will lie.
func stamp(msg []byte, number uint64) {
	for at := 0; at+8 <= len(msg); at += line {
		binary.LittleEndian.PutUint64(msg[at:], number)
	}
	binary.LittleEndian.PutUint64(msg[len(msg)-8:], number)
}

// writer makes the messages of one producer.
type writer struct {
	size   int
	number uint64 // of the next message: the producer in the upper bits, the sequence number in the lower ones
	left   uint64
}

func newWriter(j job, producer int) *writer {
	return &writer{j.Size, uint64(producer) << sequenceBits, uint64(j.Count)}
}

// message is room for a message, with a pattern that differs from line to line.
func (w *writer) message() []byte {
	b := make([]byte, w.size)
	for i := range b {
		b[i] = byte(7 + i/line*37)
	}
	return b
}

func (w *writer) more() bool { return w.left > 0 }

// stamp makes msg the next message.
func (w *writer) stamp(msg []byte) {
	stamp(msg, w.number)
	w.number++
	w.left--
}

// tally is what a consumer got from one producer. The two sums tell a message that is lost from one that is doubled instead.
type tally struct {
	next    uint64 // lowest sequence number that may come
	count   uint64
	sum     uint64 // of sequence numbers
	squares uint64
}

func (t *tally) add(o tally) {
	t.count += o.count
	t.sum += o.sum
	t.squares += o.squares
}

// wanted is the tally of all consumers together.
func wanted(count uint64) tally {
	t := tally{count: count}
	for i := range count {
		t.sum += i
		t.squares += i * i
	}
	return t
}

// reader checks the messages of one consumer.
type reader struct {
	size int
	from []tally // by producer
	done bool    // there is no more
}

func newReader(j job) *reader { return &reader{size: j.Size, from: make([]tally, j.Shape.Producers)} }

// check reads a message.
func (r *reader) check(msg []byte) error {
	if len(msg) != r.size {
		return fmt.Errorf("message of %d bytes, want %d", len(msg), r.size)
	}
	number := binary.LittleEndian.Uint64(msg)
	differ := number ^ binary.LittleEndian.Uint64(msg[len(msg)-8:])
	for at := line; at+8 <= len(msg); at += line {
		differ |= number ^ binary.LittleEndian.Uint64(msg[at:])
	}
	if differ != 0 {
		return fmt.Errorf("message %#x is torn: its lines carry other numbers, or changed while it was read", number)
	}
	if number == poisonMessage {
		r.done = true
		return nil
	}
	producer, sequence := number>>sequenceBits, number&lastSequence
	if r.done || producer >= uint64(len(r.from)) {
		return fmt.Errorf("message %d of producer %d came, want none (of %d producers; end seen: %v)", sequence, producer, len(r.from), r.done)
	}
	t := &r.from[producer]
	if sequence < t.next {
		return fmt.Errorf("message %d of producer %d came after message %d", sequence, producer, t.next-1)
	}
	t.next = sequence + 1
	t.count++
	t.sum += sequence
	t.squares += sequence * sequence
	return nil
}
