package shmpipe

import (
	"errors"
	"fmt"
	"io/fs"
)

// remedy adds to an error of opening a segment what to do about what has the name, unless the error says so already.
func remedy(err error, name string, b Backend) error {
	switch {
	case errors.Is(err, ErrRemoved):
		return fmt.Errorf("%w; create it anew", err)
	case errors.Is(err, fs.ErrNotExist): // also the one whose SysV key belongs to another name
		return err
	case errors.Is(err, ErrNotSegment) && b == SysV: // another program's memory, which is not ours to remove
		return fmt.Errorf("%w; take another name", err)
	case errors.Is(err, ErrNotSegment), errors.Is(err, ErrCorrupt):
		flag := ""
		if b != POSIX {
			flag = " --backend " + b.String()
		}
		return fmt.Errorf("%w; take another name, or remove it with `shmpipe rm --force%s %s`", err, flag, name)
	}
	return err
}
