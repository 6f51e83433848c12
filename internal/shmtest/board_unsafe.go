package shmtest

import (
	"errors"
	"os"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/edsrzf/mmap-go"
)

// Board is a row of counters that survives any process: what a child wrote before it was killed is there. It is a file in
// /dev/shm, shared between the test and its children.
type Board struct {
	Path   string
	mapped mmap.MMap
}

// NewBoard makes a board of n counters, all zero.
func NewBoard(t testing.TB, n int) *Board {
	t.Helper()
	path := Dir(t) + "/board"
	// With a hole for what nobody has counted yet: some are large, and /dev/shm may be small.
	if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, int64(8*n))); err != nil {
		t.Fatalf("board: %v", err)
	}
	b, err := OpenBoard(path)
	if err != nil {
		t.Fatalf("board: %v", err)
	}
	t.Cleanup(func() { _ = b.mapped.Unmap() })
	return b
}

// OpenBoard maps a board, in a child.
func OpenBoard(path string) (*Board, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := mmap.Map(f, mmap.RDWR, 0)
	return &Board{path, m}, err
}

// At is counter i.
func (b *Board) At(i int) *atomic.Uint64 {
	_ = b.mapped[8*i+7]
	return (*atomic.Uint64)(unsafe.Pointer(&b.mapped[8*i]))
}
