package vyukov

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/edsrzf/mmap-go"
)

// ErrNotQueue: the memory is not that of a queue, or too short for it.
var ErrNotQueue = errors.New("not a queue")

// Queue is a process's handle on a queue in shared memory. Its methods but Close are safe for concurrent use. It trusts whoever else
// has the memory.
type Queue struct {
	cells
	enqueuePos, dequeuePos *atomic.Uint64

	mem    []byte
	mapped mmap.MMap // nil if the memory is not a file's
}

// Create makes a queue in a file, which it gives the right size, and maps it. A message is exactly payload bytes. F remains the
// caller's and may be closed at once. The error matches fs.ErrInvalid if such a queue cannot be.
func Create(f *os.File, slots, payload int) (*Queue, error) {
	if err := checkGeometry(slots, payload); err != nil {
		return nil, fmt.Errorf("create queue in %s: %w", f.Name(), err)
	}
	if err := f.Truncate(int64(Bytes(slots, payload))); err != nil {
		return nil, fmt.Errorf("create queue: %w", err)
	}
	return mapped(f, "create", func(mem []byte) (*Queue, error) { return format(mem, slots, payload) })
}

// Open maps the queue that [Create] made in a file. The error matches [ErrNotQueue] if there is none.
func Open(f *os.File) (*Queue, error) { return mapped(f, "open", newQueue) }

func mapped(f *os.File, verb string, attach func([]byte) (*Queue, error)) (*Queue, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s queue: %w", verb, err)
	}
	if info.Size() < offCells {
		return nil, fmt.Errorf("%s queue in %s: %d bytes, want at least %d: %w", verb, f.Name(), info.Size(), offCells, ErrNotQueue)
	}
	m, err := mmap.Map(f, mmap.RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%s queue: map %s: %w", verb, f.Name(), err)
	}
	q, err := attach(m)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s queue in %s: %w", verb, f.Name(), err), m.Unmap())
	}
	q.mapped = m
	q.touch()
	return q, nil
}

// format makes a queue of memory that is long enough.
func format(mem []byte, slots, payload int) (*Queue, error) {
	word(mem, offSlots).Store(uint64(slots))
	word(mem, offPayload).Store(uint64(payload))
	word(mem, offEnqueue).Store(0)
	word(mem, offDequeue).Store(0)
	c := newCells(mem, slots, payload)
	for pos := range uint64(slots) {
		c.cell(pos).sequence().Store(pos)
	}
	word(mem, offMagic).Store(magic)
	return newQueue(mem)
}

func newQueue(mem []byte) (*Queue, error) {
	if len(mem) < offCells || !aligned(mem) || word(mem, offMagic).Load() != magic {
		return nil, fmt.Errorf("no magic number at the start: %w", ErrNotQueue)
	}
	slots, payload := int(word(mem, offSlots).Load()), int(word(mem, offPayload).Load())
	if err := checkGeometry(slots, payload); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotQueue, err)
	}
	if want := Bytes(slots, payload); len(mem) < want {
		return nil, fmt.Errorf("%d bytes, want %d for %d slots of %d bytes: %w", len(mem), want, slots, payload, ErrNotQueue)
	}
	return &Queue{cells: newCells(mem, slots, payload), enqueuePos: word(mem, offEnqueue), dequeuePos: word(mem, offDequeue), mem: mem}, nil
}

// touch takes the page faults, so that a measurement does not. Adding zero changes nothing.
func (q *Queue) touch() {
	for at := 0; at+8 <= len(q.mem); at += os.Getpagesize() {
		word(q.mem, at).Add(0)
	}
}

// Slots is the number of messages that the queue holds.
func (q *Queue) Slots() int { return int(q.mask) + 1 }

// Payload is the length of each message, in bytes.
func (q *Queue) Payload() int { return q.payload }

// Close unmaps the queue, for this process. Nobody may use the handle then. Closing again does nothing.
func (q *Queue) Close() error {
	m := q.mapped
	q.mapped = nil
	if m == nil {
		return nil
	}
	return m.Unmap()
}

// Enqueue sends a copy of msg, which must have Payload bytes: it panics otherwise. It returns false if the queue is full, and then
// nothing was sent. It retries while other producers are faster, and never waits.
func (q *Queue) Enqueue(msg []byte) bool {
	if len(msg) != q.payload {
		wrongLength(len(msg), q.payload)
	}
	pos := q.enqueuePos.Load()
	for {
		c := q.cell(pos)
		turn := int64(c.sequence().Load() - pos)
		if turn < 0 { // it holds the message of a lap ago
			return false
		}
		if turn == 0 && q.enqueuePos.CompareAndSwap(pos, pos+1) {
			c.put(msg)
			storeRelease(c.sequence(), pos+1) // pairs with the load in Dequeue: who sees it sees the message
			return true
		}
		pos = q.enqueuePos.Load()
	}
}

// Dequeue copies the next message to buf, which must have room for it: it panics otherwise. It returns the message's length, and false if
// the queue is empty. It retries while other consumers are faster, and never waits.
func (q *Queue) Dequeue(buf []byte) (int, bool) {
	if len(buf) < q.payload {
		wrongLength(len(buf), q.payload)
	}
	pos := q.dequeuePos.Load()
	for {
		c := q.cell(pos)
		turn := int64(c.sequence().Load() - (pos + 1))
		if turn < 0 { // its message is not there yet
			return 0, false
		}
		if turn == 0 && q.dequeuePos.CompareAndSwap(pos, pos+1) {
			c.get(buf[:q.payload])
			storeRelease(c.sequence(), pos+q.mask+1) // pairs with the load in Enqueue: who sees it may overwrite the message
			return q.payload, true
		}
		pos = q.dequeuePos.Load()
	}
}

func wrongLength(got, want int) {
	panic(fmt.Sprintf("vyukov: %d bytes, want %d, as the queue was made", got, want))
}
