//go:build !linux

package procwatch

import (
	"errors"
	"fmt"
	"runtime"
)

// Watch is a watch on one process.
type Watch struct{}

// Start returns [errors.ErrUnsupported].
func Start(int, func()) (*Watch, error) {
	return nil, fmt.Errorf("watch a process on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

// Stop does nothing.
func (w *Watch) Stop() {}
