package shmtest

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"testing"

	"shmpipe/segment"
)

// Prefix begins the name of every temporary segment.
const Prefix = "shmpipe-test-"

// ownPrefix begins those of this process, so that tests of other packages that run meanwhile are not taken for leaks.
func ownPrefix() string { return fmt.Sprintf("%s%d-", Prefix, os.Getpid()) }

// TempName is a fresh name for a segment. When the test ends, also if it fails, the segment of that name is removed from every
// backend.
func TempName(t testing.TB) string {
	t.Helper()
	var random [4]byte
	rand.Read(random[:])
	name := ownPrefix() + hex.EncodeToString(random[:])
	t.Cleanup(func() { Remove(name) })
	return name
}

// Remove removes the segments of a name from every backend, whatever state they are in.
func Remove(name string) {
	for _, b := range [...]segment.Backend{segment.POSIX, segment.SysV} {
		// Usually there is none, which is the error.
		_ = segment.Remove(b, name, segment.Options{}, true)
	}
}

// Dir is a temporary directory in /dev/shm. It is removed when the test ends.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(segment.DefaultDir, ownPrefix())
	if err != nil {
		t.Fatalf("temporary directory: %v", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
