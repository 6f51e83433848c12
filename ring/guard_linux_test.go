package ring

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// guardedMemory is an empty ring whose data has no memory in front of it and behind it, and whose control block has none behind it:
// whoever reads or writes out of bounds faults, and the test program dies.
func guardedMemory(t testing.TB, capacity uint64) Memory {
	page := max(os.Getpagesize(), protocol.PageSize)
	m := Memory{Control: guardedBytes(t, protocol.ControlSize, page), MaxMessage: protocol.MaxPayload(capacity)}
	m.Data = guardedBytes(t, int(capacity), page)
	return m
}

func guardedBytes(t testing.TB, n, page int) []byte {
	size := (n + page - 1) / page * page
	b, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Munmap(b)) })
	inner := b[page : page+size]
	require.NoError(t, syscall.Mprotect(inner, syscall.PROT_READ|syscall.PROT_WRITE))
	return inner[size-n : size : size]
}
