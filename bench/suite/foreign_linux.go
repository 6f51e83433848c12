package suite

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// foreign says why a program is not run although it is there: somebody else may have put it there, or may change it.
func foreign(info fs.FileInfo) string {
	st, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !ok:
		return ""
	case st.Uid != 0 && int(st.Uid) != os.Geteuid():
		return fmt.Sprintf("%s belongs to uid %d: it is not run", info.Name(), st.Uid)
	case info.Mode().Perm()&0o002 != 0:
		return fmt.Sprintf("%s may be changed by everybody: it is not run", info.Name())
	}
	return ""
}
