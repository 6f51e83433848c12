package segment

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// noResize are the seals that keep everybody, us included, from truncating the file under a mapping.
const noResize = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW

func (s *Segment) createMemfd(m *image, perm uint32, o Options) error {
	s.path = "memfd:" + m.header.Name
	fd, err := newMemfd(posixEntry(m.header.Name))
	if err != nil {
		return fmt.Errorf("memfd_create: %w", err)
	}
	s.file = os.NewFile(uintptr(fd), s.path)
	if err := unix.Fchmod(fd, perm); err != nil {
		return fmt.Errorf("set mode %#o of %s: %w", perm, s.path, err)
	}
	if err := checkMemory(s.header.SegmentSize, s.path); err != nil {
		return err
	}
	if err := reserve(fd, s.header.SegmentSize, s.path); err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, noResize|unix.F_SEAL_SEAL); err != nil {
		return fmt.Errorf("seal the size of %s: %w", s.path, err)
	}
	if err := s.mapFile(o); err != nil {
		return err
	}
	s.fill(m, o)
	return nil
}

func newMemfd(name string) (int, error) {
	const flags = unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING
	fd, err := unix.MemfdCreate(name, flags|unix.MFD_NOEXEC_SEAL)
	if errors.Is(err, unix.EINVAL) { // before Linux 6.3
		fd, err = unix.MemfdCreate(name, flags)
	}
	return fd, err
}

// memfdSeals returns the seals if fd is a memfd. Files of a tmpfs that have, or had, a name answer too, but cannot be sealed: the
// seal against further seals is all they have. So has a memfd that was made not to be sealed, and only its link tells.
func memfdSeals(fd int) (seals int, is bool) {
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil {
		return 0, false
	}
	if seals != unix.F_SEAL_SEAL {
		return seals, true
	}
	link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
	return seals, err == nil && strings.HasPrefix(link, "/memfd:")
}
