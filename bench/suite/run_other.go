//go:build !linux

package suite

import (
	"context"
	"errors"

	"shmpipe/bench/result"
)

// Run returns errors.ErrUnsupported: there is nothing to measure on this system.
func Run(context.Context, Settings) (*result.Report, error) { return nil, errors.ErrUnsupported }
