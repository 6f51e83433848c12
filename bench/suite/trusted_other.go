//go:build !unix

package suite

import "errors"

// trusted returns errors.ErrUnsupported: there is nothing to run on this system.
func trusted(...string) error { return errors.ErrUnsupported }
