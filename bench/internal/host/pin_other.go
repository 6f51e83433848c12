//go:build !linux

package host

import "errors"

// Allowed are none: nobody knows.
func Allowed() []int { return nil }

// Pin returns errors.ErrUnsupported.
func Pin(int) error { return errors.ErrUnsupported }
