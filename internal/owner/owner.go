// Package owner decides whose files may be used.
package owner

import (
	"fmt"
	"io/fs"
	"os"
)

// Check refuses what another user could have laid out as a trap: what does not belong to this process's user or to root, unless any owner
// will do. The error matches [fs.ErrPermission].
func Check(uid uint32, anyOwner bool) error {
	own := uint32(os.Geteuid())
	if uid == own || uid == 0 || anyOwner {
		return nil
	}
	return fmt.Errorf("%w: it belongs to uid %d, want %d (this process) or 0; allow other owners (Options.AllowOtherOwner, --allow-other-owner) if you trust that user",
		fs.ErrPermission, uid, own)
}
