//go:build !linux

package host

import "errors"

// MeasureFloor returns errors.ErrUnsupported: nothing can be pinned here.
func MeasureFloor() (float64, error) { return 0, errors.ErrUnsupported }
