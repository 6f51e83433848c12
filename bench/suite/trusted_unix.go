//go:build unix

package suite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"shmpipe/internal/owner"
)

// trusted says which of some files and folders may be somebody else's doing; nil if none. Others than their owners may not write to them.
func trusted(paths ...string) error {
	for _, path := range paths {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue // there is nothing to run
		}
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if ok && owner.Check(st.Uid, false) != nil {
			return fmt.Errorf("%s belongs to uid %d, want this user or root", path, st.Uid)
		}
		if info.Mode().Perm()&0o002 != 0 {
			return fmt.Errorf("%s may be changed by everybody", path)
		}
	}
	return nil
}
