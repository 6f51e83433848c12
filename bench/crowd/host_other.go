//go:build !linux

package crowd

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"
)

func sharedFile(int) (*os.File, error) {
	return nil, fmt.Errorf("shared memory on %s: %w", runtime.GOOS, errors.ErrUnsupported)
}

func dieWithParent() *syscall.SysProcAttr { return nil }

func outliveParent() *syscall.SysProcAttr { return nil }

func cpuTime() int64 { return 0 }

func yield() { runtime.Gosched() }

func doze() { time.Sleep(50 * time.Microsecond) }
