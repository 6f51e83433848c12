package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"runtime"
)

// HostSupported returns nil where this host can take part, and otherwise an error that matches [errors.ErrUnsupported]: the layout is
// little-endian, and a position is stored and loaded in one piece only by a 64-bit processor.
func HostSupported() error {
	if binary.NativeEndian.Uint16([]byte{1, 0}) != 1 || bits.UintSize != 64 {
		return fmt.Errorf("%s: want a little-endian 64-bit processor: %w", runtime.GOARCH, errors.ErrUnsupported)
	}
	return nil
}
