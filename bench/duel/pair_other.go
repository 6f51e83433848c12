//go:build !linux

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	"shmpipe"
)

func errNotHere() error {
	return fmt.Errorf("two processes on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func isChild() bool { return false }

func pair(*contest, int) (*shmpipe.Pipe, func() error, error) { return nil, nil, errNotHere() }

func startChild(...*os.File) (func() error, error) { return nil, errNotHere() }

func pin() error { return nil }

func cpuTime() int64 { return 0 }
