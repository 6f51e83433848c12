//go:build !linux

package futex

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

var start = time.Now()

// Now reads a monotonic clock of this process, in nanoseconds.
func Now() int64 { return 1 + int64(time.Since(start)) }

// Wait returns [errors.ErrUnsupported]: only Linux has futexes that processes share.
func Wait(*uint32, uint32, int64) error { return unsupported("wait") }

// Wake returns [errors.ErrUnsupported].
func Wake(*uint32, int) (int, error) { return 0, unsupported("wake") }

// WaitAny returns [errors.ErrUnsupported].
func WaitAny([]Word, int64) error { return unsupported("wait on several words") }

// HasWaitv reports false.
func HasWaitv() bool { return false }

// Yield does nothing.
func Yield() {}

func wakePrivate(*uint32) {}

func unsupported(operation string) error {
	return fmt.Errorf("futex %s on %s: %w", operation, runtime.GOOS, errors.ErrUnsupported)
}
