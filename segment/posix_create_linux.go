package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

// createPosix builds the segment in a file without a name, and links it to the name when it is complete.
func (s *Segment) createPosix(m *image, perm uint32, o Options) error {
	dir, err := openDir(o)
	if err != nil {
		return err
	}
	s.dir, s.entry = dir, posixEntry(m.header.Name)
	s.path = dir.join(s.entry)
	// The link decides who wins. This look only saves the loser from reserving memory that the winner may need.
	if _, err := dir.stat(s.entry); err == nil && !dir.clearRemoved(s.entry) {
		return s.nameTaken()
	}
	draft, err := newDraft(dir, perm)
	if err != nil {
		return err
	}
	defer draft.discard()
	s.file = draft.file
	if err := s.build(m, o); err != nil {
		return err
	}
	for range 3 {
		if err = draft.publish(s.entry); !errors.Is(err, unix.EEXIST) {
			break
		}
		if !dir.clearRemoved(s.entry) {
			return s.nameTaken()
		}
	}
	if err != nil {
		return fmt.Errorf("give it the name %s: %w", s.path, err)
	}
	return nil
}

func (s *Segment) nameTaken() error {
	return errExists(s.path, "open it, or remove it with `shmpipe rm "+s.Name()+"`")
}

// build reserves, maps and fills the file.
func (s *Segment) build(m *image, o Options) error {
	fd := int(s.file.Fd())
	if err := reserve(fd, s.header.SegmentSize, s.path); err != nil {
		return err
	}
	if err := s.mapFile(o); err != nil {
		return err
	}
	s.fill(m, o)
	return nil
}

// clearRemoved finishes what a remover began and did not finish because it was killed: the file is marked as removed but still
// has its name. It returns whether the name may be free now.
func (d *directory) clearRemoved(entry string) bool {
	f, st, err := d.open(entry, unix.O_RDWR)
	if err != nil {
		return errors.Is(err, unix.ENOENT)
	}
	fd := int(f.Fd())
	defer f.Close()
	m, err := readImage(preader(fd), uint64(st.Size))
	if err != nil || m.err != nil || m.state != protocol.StateRemoved {
		return false
	}
	// A remover that is alive holds this lock until the name is gone.
	if ok, err := ofd.LockWithin(fd, unix.F_WRLCK, protocol.AttachByte, patience); !ok || err != nil {
		return false
	}
	defer ofd.Lock(fd, unix.F_UNLCK, 0, 0)
	return d.unlink(entry, st) == nil
}

// draft is a file that has no name yet, or one that nobody opens.
type draft struct {
	dir  *directory
	file *os.File
	name string // "" if it has none
}

// tmpfile is a variable so that a test can be a filesystem that has no nameless files.
var tmpfile = func(d *directory, perm uint32) (int, error) {
	return d.openat(".", unix.O_TMPFILE|unix.O_RDWR, perm)
}

func newDraft(dir *directory, perm uint32) (*draft, error) {
	d := &draft{dir: dir}
	fd, err := tmpfile(dir, perm)
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) {
		fd, err = d.openNamed(perm)
	}
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			err = fmt.Errorf("%w; this process has uid %d: run as a user who may write there, or take another directory (--dir, Options.Dir)", err, os.Geteuid())
		}
		return nil, fmt.Errorf("create a file in %s: %w", dir.path, err)
	}
	d.file = os.NewFile(uintptr(fd), dir.path)
	// The umask has taken bits away; the mode is what was asked for.
	if err := unix.Fchmod(fd, perm); err != nil {
		d.discard()
		return nil, errors.Join(fmt.Errorf("set mode %#o of a new file in %s: %w", perm, dir.path, err), d.file.Close())
	}
	return d, nil
}

// publish gives the file its name, or returns EEXIST.
func (d *draft) publish(entry string) error {
	dirfd := d.dir.fd()
	if d.name == "" {
		// AT_EMPTY_PATH would need a capability.
		return unix.Linkat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(int(d.file.Fd())), dirfd, entry, unix.AT_SYMLINK_FOLLOW)
	}
	err := unix.Renameat2(dirfd, d.name, dirfd, entry, unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) {
		err = unix.Linkat(dirfd, d.name, dirfd, entry, 0)
		if err == nil {
			unix.Unlinkat(dirfd, d.name, 0)
		}
	}
	if err == nil {
		d.name = ""
		_, err = ofd.Lock(int(d.file.Fd()), unix.F_UNLCK, createByte, 1)
	}
	return err
}

// discard removes the temporary name, if there is one. The file itself is the segment's to close.
func (d *draft) discard() {
	if d.name != "" {
		unix.Unlinkat(d.dir.fd(), d.name, 0)
		d.name = ""
	}
}
