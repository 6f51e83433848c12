package contest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
)

// slots are places of one size in shared memory, as textbooks have them: a length, and room for a message. When a place may be used is
// somebody else's concern.
type slots struct {
	mem    []byte
	stride int
}

const (
	slotHead = 8  // bytes of the length
	slotUnit = 64 // a slot begins on a line of its own
)

func slotStride(size int) int { return (slotHead + size + slotUnit - 1) / slotUnit * slotUnit }

// slotCount is how many slots a buffer has, of at most most.
func slotCount(j trial.Job, most int) (int, error) {
	n := min(j.Capacity/slotStride(j.Size), most)
	if n < 1 {
		return 0, trial.Cannot{Why: fmt.Sprintf("messages of %d bytes: a buffer of %d bytes has no room for one slot", j.Size, j.Capacity)}
	}
	return n, nil
}

// newMemory makes shared memory without a name. It is there when this returns, unless its making is what is measured: see [trial.Job.Prefaults].
func newMemory(j trial.Job, bytes int) (*os.File, error) {
	fd, err := unix.MemfdCreate("shmpipe-bench-slots", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make shared memory: %w", err)
	}
	f := file(fd, "shared memory")
	if j.Prefaults() {
		err = unix.Fallocate(fd, 0, 0, int64(bytes))
	} else {
		err = f.Truncate(int64(bytes))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("allocate %d bytes of shared memory: %w", bytes, err), f.Close())
	}
	return f, nil
}

func mapSlots(f *os.File, j trial.Job, n int) (slots, error) {
	stride, flags := slotStride(j.Size), unix.MAP_SHARED
	if j.Prefaults() {
		flags |= unix.MAP_POPULATE
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, n*stride, unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return slots{}, fmt.Errorf("map %d bytes of shared memory: %w", n*stride, err)
	}
	return slots{mem, stride}, nil
}

func (s slots) put(i int, msg []byte) {
	slot := s.mem[i*s.stride : (i+1)*s.stride]
	binary.NativeEndian.PutUint64(slot, uint64(len(msg)))
	copy(slot[slotHead:], msg)
}

// get returns a message in place. The other process wrote its length.
func (s slots) get(i int) ([]byte, error) {
	slot := s.mem[i*s.stride : (i+1)*s.stride]
	n := binary.NativeEndian.Uint64(slot)
	if n > uint64(s.stride-slotHead) {
		return nil, fmt.Errorf("slot %d: length is %d, want at most %d", i, n, s.stride-slotHead)
	}
	return slot[slotHead : slotHead+n], nil
}

func (s slots) close() error {
	if s.mem == nil {
		return nil
	}
	return unix.Munmap(s.mem)
}
