package segment

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
)

// Filesystems without O_TMPFILE get a temporary name. Its builder holds a lock on it, so that a later one can tell the work of
// a killed builder from that of a live one, and remove it.
const draftPrefix = ".shmpipe-draft."

func (d *draft) openNamed(perm uint32) (int, error) {
	d.dir.sweepDrafts()
	for range 16 {
		name := draftPrefix + rand.Text()
		fd, err := d.dir.openat(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, perm)
		if errors.Is(err, unix.EEXIST) {
			continue
		}
		if err != nil {
			return -1, err
		}
		// A sweeper may have come between the creation and the lock.
		ok, err := ofd.Lock(fd, unix.F_WRLCK, createByte, 1)
		if st, statErr := fstat(fd); err == nil && statErr == nil && ok && st.Nlink > 0 {
			d.name = name
			return fd, nil
		}
		unix.Unlinkat(d.dir.fd(), name, 0)
		unix.Close(fd)
		if err != nil {
			return -1, err
		}
	}
	return -1, fmt.Errorf("temporary names in %s are taken away as fast as they are made: %w", d.dir.path, unix.EBUSY)
}

// sweepDrafts removes what killed builders left. It is a courtesy: what it may not remove, it leaves.
func (d *directory) sweepDrafts() {
	names, err := d.entries()
	if err != nil {
		return
	}
	for _, name := range names {
		if !strings.HasPrefix(name, draftPrefix) {
			continue
		}
		f, st, err := d.open(name, unix.O_RDWR)
		if err != nil {
			continue
		}
		fd := int(f.Fd())
		if ok, err := ofd.Lock(fd, unix.F_WRLCK, createByte, 1); ok && err == nil {
			d.unlink(name, st)
			ofd.Lock(fd, unix.F_UNLCK, createByte, 1)
		}
		f.Close()
	}
}
