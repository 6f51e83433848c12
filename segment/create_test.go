//go:build linux

package segment

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

func TestValidateName_SaysWhatIsWrong(t *testing.T) {
	for name, want := range map[string]string{
		"":                       "empty",
		".":                      "directory",
		"..":                     "directory",
		"../x":                   "slash",
		"a/b":                    "slash",
		"a\x00b":                 "NUL",
		"a\nb":                   "control",
		"a\x7fb":                 "control",
		"a\u0085b":               "control",
		"a\xffb":                 "UTF-8",
		strings.Repeat("x", 201): "201 bytes",
		strings.Repeat("x", 300): "300 bytes",
	} {
		err := protocol.ValidateName(name)
		require.ErrorIs(t, err, fs.ErrInvalid, "%q", name)
		require.ErrorContains(t, err, want)
		_, err = Create(POSIX, name, layout(4096), Options{})
		require.ErrorIs(t, err, fs.ErrInvalid, "%q", name)
		_, err = Open(SysV, name, Options{})
		require.ErrorIs(t, err, fs.ErrInvalid, "%q", name)
		require.ErrorIs(t, Remove(POSIX, name, Options{}, true), fs.ErrInvalid, "%q", name)
	}
	for _, name := range []string{"orders", "..x", "größe", "a b", strings.Repeat("x", 200)} {
		require.NoError(t, protocol.ValidateName(name))
	}
}

func TestParseBackend_IsTheInverseOfString(t *testing.T) {
	for _, b := range []Backend{POSIX, SysV, Memfd} {
		got, err := ParseBackend(b.String())
		require.NoError(t, err)
		require.Equal(t, b, got)
	}
	_, err := ParseBackend("shm")
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = Create(Backend(9), "x", layout(4096), Options{})
	require.ErrorIs(t, err, fs.ErrInvalid)
}

func TestCreate_GivesASegmentThatOpenFindsWhole(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		h := layout(64 << 10)
		s, err := Create(b, p.name, h, p.o)
		require.NoError(t, err)
		defer s.Close()
		require.Empty(t, h.Name, "the caller's header is left alone")
		require.Equal(t, p.name, s.Name())
		require.NotZero(t, s.Header().UUID)
		require.WithinDuration(t, time.Now(), time.Unix(0, s.Header().CreatedUnixNano), time.Minute)
		require.Equal(t, protocol.StateReady, s.State())
		require.Len(t, s.Bytes(), int(h.SegmentSize))

		o := p.open(t)
		require.Equal(t, s.Header(), o.Header())
		require.Equal(t, s.Path(), o.Path())
		require.Len(t, o.Bytes(), int(h.SegmentSize))
		at := s.Header().Rings[0].Data
		s.Bytes()[at] = 42
		require.EqualValues(t, 42, o.Bytes()[at], "both see the same memory")
	})
}

func TestCreate_PathIsForPeople(t *testing.T) {
	require.Equal(t, newPlace(t, POSIX).create(t).Path()[:8], "/dev/shm")
	require.Regexp(t, `^sysv:0x53[0-9a-f]{6}$`, newPlace(t, SysV).create(t).Path())
	require.Regexp(t, `^memfd:shmpipe-test-`, newPlace(t, Memfd).create(t).Path())
}

func TestCreate_RefusesATakenName(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		p.create(t)
		before := names(t, p.o.Dir)
		_, err := Create(b, p.name, layout(4096), p.o)
		require.ErrorIs(t, err, fs.ErrExist)
		require.ErrorContains(t, err, "shmpipe rm")
		require.Equal(t, before, names(t, p.o.Dir))
		p.open(t)
	})
}

func TestCreate_LeavesWhatHasTheName(t *testing.T) {
	for what, make := range map[string]func(path string) error{
		"directory":       func(path string) error { return os.Mkdir(path, 0o700) },
		"fifo":            func(path string) error { return unix.Mkfifo(path, 0o600) },
		"text":            func(path string) error { return os.WriteFile(path, []byte("hello"), 0o600) },
		"dangling link":   func(path string) error { return os.Symlink("/nowhere/at/all", path) },
		"symbolic link":   func(path string) error { return os.Symlink("/etc/passwd", path) },
		"segment by link": func(path string) error { return os.Symlink("elsewhere", path) },
	} {
		t.Run(what, func(t *testing.T) {
			p := newPlace(t, POSIX)
			require.NoError(t, make(p.file()))
			before, err := os.Lstat(p.file())
			require.NoError(t, err)
			_, err = Create(POSIX, p.name, layout(4096), p.o)
			require.ErrorIs(t, err, fs.ErrExist)
			after, err := os.Lstat(p.file())
			require.NoError(t, err)
			require.True(t, os.SameFile(before, after))
			require.Equal(t, before.ModTime(), after.ModTime())
			require.Equal(t, before.Mode(), after.Mode())
			require.Len(t, names(t, p.o.Dir), 1)
		})
	}
}

func TestCreate_RefusesABadLayoutOrMode(t *testing.T) {
	p := newPlace(t, POSIX)
	bad := layout(4096)
	bad.SegmentSize = 100
	huge := layout(4096)
	huge.Rings = make([]protocol.Ring, protocol.MaxRings+1)
	for _, h := range []*protocol.Header{nil, {}, bad, huge} {
		_, err := Create(POSIX, p.name, h, p.o)
		require.ErrorIs(t, err, fs.ErrInvalid)
	}
	for _, perm := range []fs.FileMode{0o400, 0o700, 0o066, fs.ModeSetuid | 0o600} {
		p.o.Perm = perm
		_, err := Create(POSIX, p.name, layout(4096), p.o)
		require.ErrorIs(t, err, fs.ErrInvalid, "%v", perm)
	}
	require.Empty(t, names(t, p.o.Dir))
}

func TestCreate_ModeIsExactWhateverTheUmask(t *testing.T) {
	for _, umask := range []int{0, 0o077, 0o777} {
		for _, perm := range []fs.FileMode{0, 0o600, 0o660, 0o666} {
			named(t, func(t *testing.T, b Backend) {
				p := newPlace(t, b)
				p.o.Perm = perm
				old := syscall.Umask(umask)
				s, err := Create(b, p.name, layout(4096), p.o)
				syscall.Umask(old)
				require.NoError(t, err)
				defer s.Close()
				want := perm
				if perm == 0 {
					want = 0o600
				}
				for _, e := range names(t, p.o.Dir) {
					st, err := os.Stat(filepath.Join(p.o.Dir, e))
					require.NoError(t, err)
					require.Equal(t, want, st.Mode(), e)
				}
				list, err := List(b, p.o)
				require.NoError(t, err)
				require.Equal(t, want, find(list, p.name).Mode)
			})
		}
	}
}

func TestCreate_AbsentDirectoryIsSaid(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		_, err := Create(b, "shmpipe-test-x", layout(4096), Options{Dir: "/nowhere/at/all"})
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorContains(t, err, "/nowhere/at/all")
	})
}

func mount(t *testing.T, kind, data string) string {
	t.Helper()
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("shmpipe-test", dir, kind, 0, data); err != nil {
		t.Skipf("cannot mount a %s here: %v", kind, err)
	}
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

func TestCreate_FullFilesystemIsAnErrorWithNumbers(t *testing.T) {
	p := newPlace(t, POSIX)
	p.o.Dir = mount(t, "tmpfs", "size=256k")
	h := layout(512 << 10)
	_, err := Create(POSIX, p.name, h, p.o)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "262144 bytes of 262144 are free")
	require.ErrorContains(t, err, "536576 bytes")
	require.ErrorContains(t, err, p.o.Dir)
	require.Empty(t, names(t, p.o.Dir))

	// The look at the free space is no proof. What is reserved is.
	full := fallocate
	t.Cleanup(func() { fallocate = full })
	fallocate = func(fd int, off, n int64) error {
		var st unix.Statfs_t
		require.NoError(t, unix.Fstatfs(fd, &st))
		if off == 0 { // somebody else takes the space now
			require.NoError(t, os.WriteFile(filepath.Join(p.o.Dir, "other"), make([]byte, 200<<10), 0o600))
		}
		return full(fd, off, n)
	}
	_, err = Create(POSIX, p.name, layout(64<<10), p.o)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.ErrorContains(t, err, "are free there")
	require.Equal(t, []string{"other"}, names(t, p.o.Dir))
	fallocate = full

	// And the next one that fits has it all.
	require.NoError(t, os.Remove(filepath.Join(p.o.Dir, "other")))
	s, err := Create(POSIX, p.name, layout(64<<10), p.o)
	require.NoError(t, err)
	require.NoError(t, s.Close())
}

func TestCreate_FullFilesystemStopsTheLockFileOfSysV(t *testing.T) {
	p := newPlace(t, SysV)
	p.o.Dir = mount(t, "tmpfs", "size=4k")
	require.NoError(t, os.WriteFile(filepath.Join(p.o.Dir, "other"), make([]byte, 4096), 0o600))
	_, err := Create(SysV, p.name, layout(4096), p.o)
	require.ErrorIs(t, err, syscall.ENOSPC)
	require.Equal(t, []string{"other"}, names(t, p.o.Dir))
}

func TestCreate_WorksWhereFilesMustHaveNames(t *testing.T) {
	real, alloc := tmpfile, fallocate
	t.Cleanup(func() { tmpfile, fallocate = real, alloc })
	tmpfile = func(*directory, uint32) (int, error) { return -1, unix.EOPNOTSUPP }
	fallocate = func(int, int64, int64) error { return unix.EOPNOTSUPP }

	p := newPlace(t, POSIX)
	left := filepath.Join(p.o.Dir, draftPrefix+"left-by-a-killed-one")
	require.NoError(t, os.WriteFile(left, nil, 0o600))
	busy := filepath.Join(p.o.Dir, draftPrefix+"of-a-live-one")
	f, err := os.Create(busy)
	require.NoError(t, err)
	defer f.Close()
	ok, err := ofd.Lock(int(f.Fd()), unix.F_WRLCK, createByte, 1)
	require.NoError(t, err)
	require.True(t, ok)

	p.create(t)
	require.Equal(t, []string{filepath.Base(busy), posixEntry(p.name)}, names(t, p.o.Dir))
	_, err = Create(POSIX, p.name, layout(4096), p.o)
	require.ErrorIs(t, err, fs.ErrExist)
	require.Len(t, names(t, p.o.Dir), 2)
	lease(t, p.open(t), 0)
	st, err := os.Stat(p.file())
	require.NoError(t, err)
	require.EqualValues(t, 0o600, st.Mode())
	require.GreaterOrEqual(t, st.Sys().(*syscall.Stat_t).Blocks*512, st.Size(), "zeros are written, not skipped")
}

func TestCreate_WorksOnOtherFilesystems(t *testing.T) {
	t.Run("disk", func(t *testing.T) {
		p := newPlace(t, POSIX)
		p.o.Dir = t.TempDir()
		p.create(t)
		lease(t, p.open(t), 1)
	})
	t.Run("ramfs", func(t *testing.T) {
		p := newPlace(t, POSIX)
		p.o.Dir = mount(t, "ramfs", "")
		s := p.create(t)
		at := s.Header().Rings[0].Data
		s.Bytes()[at] = 7
		o := p.open(t)
		require.EqualValues(t, 7, o.Bytes()[at], "opening leaves the data alone where there is no fallocate")
		lease(t, o, 1)
	})
}

func TestCreate_FileSizeLimitIsAnErrorAndNotASignal(t *testing.T) {
	for _, b := range []Backend{POSIX, Memfd} {
		p := newPlace(t, b)
		c := start(t, "file-limit", nil, p.args()...)
		require.Regexp(t, "^true .*RLIMIT_FSIZE", c.line(t))
	}
}

func TestCreate_MoreThanTheHostHasIsRefusedAtOnce(t *testing.T) {
	for _, b := range []Backend{POSIX, SysV, Memfd} {
		p := newPlace(t, b)
		_, err := Create(b, p.name, layout(1<<40), p.o)
		require.Error(t, err)
		require.True(t, errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.ENOMEM), "%v", err)
		require.Empty(t, names(t, p.o.Dir))
	}
}

func find(list []Entry, name string) Entry {
	for _, e := range list {
		if e.Name == name {
			return e
		}
	}
	return Entry{}
}
