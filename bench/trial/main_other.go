//go:build !linux

package trial

import (
	"errors"
	"fmt"
	"os"
	"runtime"
)

// Main says that the comparison needs Linux, and returns 3.
func Main([]string, func(name string) (Transport, bool)) int {
	err := Cannot{fmt.Sprintf("trials on %s: %v", runtime.GOOS, errors.ErrUnsupported)}
	fmt.Fprintln(os.Stderr, err)
	return status(err)
}
