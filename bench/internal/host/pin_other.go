//go:build !linux

package host

import "errors"

// Pin returns errors.ErrUnsupported.
func Pin(int) error { return errors.ErrUnsupported }
