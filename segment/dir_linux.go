package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"shmpipe/protocol"
)

// directory is the place where names are. It is opened once, so that a directory that is replaced meanwhile cannot make two
// steps of one operation look at different places.
type directory struct {
	file *os.File
	path string
}

func openDir(o Options) (*directory, error) {
	path := o.dir()
	fd, err := retry(func() (int, error) { return unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) })
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; make the directory, or name another (--dir, Options.Dir)", err)
		}
		return nil, fmt.Errorf("open directory of segments %s: %w", path, err)
	}
	return &directory{os.NewFile(uintptr(fd), path), path}, nil
}

func (d *directory) close() error { return d.file.Close() }

func (d *directory) fd() int { return int(d.file.Fd()) }

func (d *directory) join(entry string) string { return filepath.Join(d.path, entry) }

func (d *directory) openat(entry string, flags int, perm uint32) (int, error) {
	return retry(func() (int, error) { return unix.Openat(d.fd(), entry, flags|unix.O_CLOEXEC, perm) })
}

// open opens a regular file by its name: not through a symbolic link, which could lead anywhere, and without waiting for the
// other end of a fifo that somebody put there.
func (d *directory) open(entry string, flags int) (*os.File, *unix.Stat_t, error) {
	fd, err := d.openat(entry, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, d.explain(entry, err)
	}
	st, err := regular(fd)
	if err != nil {
		unix.Close(fd)
		return nil, nil, fmt.Errorf("open %s: %w", d.join(entry), err)
	}
	return os.NewFile(uintptr(fd), d.join(entry)), st, nil
}

// explain adds to an error of open what the name leads to.
func (d *directory) explain(entry string, err error) error {
	path := d.join(entry)
	st, statErr := d.stat(entry)
	switch {
	case errors.Is(err, unix.ELOOP):
		return fmt.Errorf("open %s: %w: it is a symbolic link, which is not followed", path, protocol.ErrNotSegment)
	case errors.Is(err, unix.EISDIR), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return fmt.Errorf("open %s: %w: it is no regular file (%w)", path, protocol.ErrNotSegment, err)
	case errors.Is(err, fs.ErrPermission) && statErr == nil:
		return fmt.Errorf("open %s: %w: it belongs to uid %d and has mode %#o, this process has uid %d; run as that user, or create it with a wider mode",
			path, err, st.Uid, st.Mode&0o7777, os.Geteuid())
	}
	return fmt.Errorf("open %s: %w", path, err)
}

func (d *directory) stat(entry string) (*unix.Stat_t, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(d.fd(), entry, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return nil, err
	}
	return &st, nil
}

// leadsTo reports whether the name is still that of the file st describes.
func (d *directory) leadsTo(entry string, st *unix.Stat_t) bool {
	now, err := d.stat(entry)
	return err == nil && sameFile(now, st)
}

// unlink removes the name if it is still that of the file st describes. The caller holds the lock that whoever else would
// remove the name needs too, and nobody can give a name to another file while it is taken; so nothing comes between the look
// and the removal.
func (d *directory) unlink(entry string, st *unix.Stat_t) error {
	if !d.leadsTo(entry, st) {
		return nil
	}
	if err := unix.Unlinkat(d.fd(), entry, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove %s: %w", d.join(entry), err)
	}
	return nil
}

// entries lists the directory's names.
func (d *directory) entries() ([]string, error) {
	fd, err := d.openat(".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", d.path, err)
	}
	f := os.NewFile(uintptr(fd), d.path)
	defer f.Close()
	return f.Readdirnames(-1)
}

func sameFile(a, b *unix.Stat_t) bool { return a.Dev == b.Dev && a.Ino == b.Ino }

func fstat(fd int) (*unix.Stat_t, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("fstat: %w", err)
	}
	return &st, nil
}

func regular(fd int) (*unix.Stat_t, error) {
	st, err := fstat(fd)
	if err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, fmt.Errorf("%w: it is %s, want a regular file", protocol.ErrNotSegment, kind(uint32(st.Mode)))
	}
	return st, nil
}

func kind(mode uint32) string {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return "a directory"
	case unix.S_IFIFO:
		return "a fifo"
	case unix.S_IFLNK:
		return "a symbolic link"
	case unix.S_IFSOCK:
		return "a socket"
	case unix.S_IFREG:
		return "a regular file"
	}
	return "a device"
}
