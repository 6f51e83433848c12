//go:build linux

package segment

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/protocol"
)

func TestOpen_AbsentSaysHowToCreate(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		_, err := Open(b, p.name, p.o)
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorContains(t, err, "shmpipe create "+p.name)
		require.ErrorIs(t, Remove(b, p.name, p.o, false), fs.ErrNotExist)
		require.ErrorIs(t, Remove(b, p.name, p.o, true), fs.ErrNotExist)
		require.Empty(t, names(t, p.o.Dir))
	})
}

func TestOpen_RefusesWhatIsNoSegment(t *testing.T) {
	for what, c := range map[string]struct {
		make func(path string) error
		text string
	}{
		"directory":     {func(path string) error { return os.Mkdir(path, 0o700) }, "regular file"},
		"fifo":          {func(path string) error { return unix.Mkfifo(path, 0o600) }, "fifo"},
		"text":          {func(path string) error { return os.WriteFile(path, []byte("hello"), 0o600) }, `"hello"`},
		"long text":     {func(path string) error { return os.WriteFile(path, make([]byte, 1<<20), 0o600) }, "begins with"},
		"empty":         {func(path string) error { return os.WriteFile(path, nil, 0o600) }, "0 bytes"},
		"dangling link": {func(path string) error { return os.Symlink("/nowhere/at/all", path) }, "symbolic link"},
		"symbolic link": {func(path string) error { return os.Symlink("/etc/passwd", path) }, "symbolic link"},
	} {
		t.Run(what, func(t *testing.T) {
			p := newPlace(t, POSIX)
			require.NoError(t, c.make(p.file()))
			_, err := Open(POSIX, p.name, p.o)
			require.ErrorIs(t, err, protocol.ErrNotSegment)
			require.ErrorContains(t, err, c.text)
			e := find(must(List(POSIX, p.o)), p.name)
			require.ErrorIs(t, e.Err, protocol.ErrNotSegment)
			require.ErrorIs(t, Remove(POSIX, p.name, p.o, false), protocol.ErrNotSegment)
			require.Len(t, names(t, p.o.Dir), 1)
			err = Remove(POSIX, p.name, p.o, true)
			if what == "directory" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Empty(t, names(t, p.o.Dir))
		})
	}
	require.FileExists(t, "/etc/passwd")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestOpen_DoesNotFollowALinkToAGoodSegment(t *testing.T) {
	p := newPlace(t, POSIX)
	p.create(t)
	q := place{POSIX, "shmpipe-test-link", p.o}
	require.NoError(t, os.Symlink(p.file(), q.file()))
	_, err := Open(POSIX, q.name, q.o)
	require.ErrorIs(t, err, protocol.ErrNotSegment)
	require.NoError(t, Remove(POSIX, q.name, q.o, true))
	p.open(t)

	require.NoError(t, os.Link(p.file(), q.file()))
	_, err = Open(POSIX, q.name, q.o)
	require.ErrorIs(t, err, protocol.ErrNotSegment, "a hard link is found out by the name in the header")
	require.ErrorContains(t, err, p.name)
}

func TestOpen_RejectsTruncatedSegment(t *testing.T) {
	p := newPlace(t, POSIX)
	size := int64(p.create(t).Header().SegmentSize)
	for _, n := range []int64{size - 1, size / 2, 8192, 4097, 4096, 4095, 600, 100, 8} {
		require.NoError(t, os.Truncate(p.file(), n))
		_, err := Open(POSIX, p.name, p.o)
		require.ErrorIs(t, err, protocol.ErrCorrupt, "%d bytes", n)
		require.ErrorIs(t, find(must(List(POSIX, p.o)), p.name).Err, protocol.ErrCorrupt)
	}
	require.ErrorIs(t, Remove(POSIX, p.name, p.o, false), protocol.ErrCorrupt)
	require.NoError(t, Remove(POSIX, p.name, p.o, true))
}

func TestOpen_MapsWhatTheHeaderSaysOfALongerFile(t *testing.T) {
	p := newPlace(t, POSIX)
	size := p.create(t).Header().SegmentSize
	require.NoError(t, os.Truncate(p.file(), int64(size)+10000))
	require.Len(t, p.open(t).Bytes(), int(size))
}

func TestOpen_FillsTheHolesOfASparseCopy(t *testing.T) {
	p := newPlace(t, POSIX)
	s := p.create(t)
	b, err := os.ReadFile(p.file())
	require.NoError(t, err)
	require.NoError(t, os.Remove(p.file()))
	require.NoError(t, os.WriteFile(p.file(), b[:8192], 0o600))
	require.NoError(t, os.Truncate(p.file(), int64(len(b))))
	o := p.open(t)
	require.Equal(t, s.Header(), o.Header())
	var st unix.Stat_t
	require.NoError(t, unix.Stat(p.file(), &st))
	require.GreaterOrEqual(t, st.Blocks*512, st.Size)
}

func TestOpen_FindsEveryFlippedByteOfTheHeader(t *testing.T) {
	p := newPlace(t, POSIX)
	p.create(t)
	b, err := os.ReadFile(p.file())
	require.NoError(t, err)
	for i := range protocol.HeaderChecked {
		patch(t, p.file(), int64(i), []byte{b[i] ^ 0x55})
		_, err := Open(POSIX, p.name, p.o)
		require.Error(t, err, "byte %d", i)
		require.True(t, errors.Is(err, protocol.ErrNotSegment) || errors.Is(err, protocol.ErrVersion) || errors.Is(err, protocol.ErrCorrupt), "byte %d: %v", i, err)
		patch(t, p.file(), int64(i), b[i:i+1])
	}
	p.open(t)
}

func TestOpen_ChecksTheState(t *testing.T) {
	p := newPlace(t, POSIX)
	p.create(t)
	for state, want := range map[uint32][]error{
		protocol.StateBuilding: {protocol.ErrNotReady},
		protocol.StateRemoved:  {protocol.ErrRemoved, fs.ErrNotExist},
		3:                      {protocol.ErrCorrupt},
		1 << 31:                {protocol.ErrCorrupt},
	} {
		patch(t, p.file(), protocol.OffState, le32(state))
		_, err := Open(POSIX, p.name, p.o)
		for _, w := range want {
			require.ErrorIs(t, err, w, "state %d", state)
		}
		e := find(must(List(POSIX, p.o)), p.name)
		require.Equal(t, state, e.State)
		require.ErrorIs(t, e.Err, want[0])
	}
	require.NoError(t, Remove(POSIX, p.name, p.o, false), "whatever the state, it can be removed")
}

// reencode writes a header with a sound checksum.
func reencode(t *testing.T, s *Segment, change func(h *protocol.Header)) {
	t.Helper()
	h := *s.Header()
	change(&h)
	h.Encode(s.Bytes())
}

func TestOpen_RefusesToWriteWhatItDoesNotKnow(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		s := p.create(t)
		reencode(t, s, func(h *protocol.Header) { h.ReadOnlyCompatible = 1 << 40 })
		_, err := Open(b, p.name, p.o)
		require.ErrorIs(t, err, protocol.ErrReadOnly)
		o := p.o
		o.ReadOnly = true
		ro, err := Open(b, p.name, o)
		require.NoError(t, err, "looking is allowed")
		defer ro.Close()
		_, err = ro.Lease(0)
		require.ErrorIs(t, err, fs.ErrPermission)
		require.ErrorIs(t, ro.RemoveIfIdle(), fs.ErrPermission)
		lease(t, s, 0)
		require.True(t, held(t, ro, 0))
		require.False(t, held(t, ro, 1))
		require.Equal(t, protocol.StateReady, ro.State())

		reencode(t, s, func(h *protocol.Header) { h.Incompatible = 1 << 40 })
		_, err = Open(b, p.name, o)
		require.ErrorIs(t, err, protocol.ErrVersion)
	})
}

func TestOpen_PermissionTextSaysWhoOwnsIt(t *testing.T) {
	needRoot(t)
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		require.NoError(t, os.Chmod(p.o.Dir, 0o755))
		s := p.create(t)
		c := start(t, "nobody", nil, p.args("0")...)
		require.Regexp(t, "error: .*permission denied.*uid 0 and has mode 0600, this process has uid 65534", c.line(t))
		if b == SysV {
			// The lock file alone does not open the memory.
			require.NoError(t, os.Chmod(p.lockFile(), 0o666))
			c := start(t, "nobody", nil, p.args("0")...)
			require.Regexp(t, "error: .*shmctl.*permission denied.*uid 0 and has mode 0600, this process has uid 65534", c.line(t))
		}
		require.False(t, held(t, s, 0))
	})
}

func TestOpen_SharedModeLetsAnotherUserLease(t *testing.T) {
	needRoot(t)
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		p.o.Perm = 0o666
		require.NoError(t, os.Chmod(p.o.Dir, 0o755))
		s := p.create(t)
		c := start(t, "nobody", nil, p.args("0")...)
		require.Equal(t, "held", c.line(t), "root's segments are trusted by everybody")
		require.True(t, held(t, s, 0))
	})
}

func TestOpen_RefusesAStrangersFile(t *testing.T) {
	needRoot(t)
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		s := p.create(t)
		path := p.file()
		if b == SysV {
			path = p.lockFile()
		}
		require.NoError(t, os.Chown(path, 65534, 65534))
		_, err := Open(b, p.name, p.o)
		require.ErrorIs(t, err, fs.ErrPermission)
		require.ErrorContains(t, err, "uid 65534")
		o := p.o
		o.AllowOtherOwner = true
		got, err := Open(b, p.name, o)
		require.NoError(t, err)
		require.NoError(t, got.Close())
		if b == POSIX {
			f, err := s.File()
			require.NoError(t, err)
			defer f.Close()
			_, err = OpenFile(f, p.o)
			require.ErrorIs(t, err, fs.ErrPermission)
		}
		require.NoError(t, Remove(b, p.name, p.o, false))
	})
}

func TestOpen_FifoDoesNotHang(t *testing.T) {
	p := newPlace(t, SysV)
	require.NoError(t, unix.Mkfifo(p.lockFile(), 0o600))
	done := make(chan error, 2)
	go func() { _, err := Open(SysV, p.name, p.o); done <- err }()
	go func() { _, err := Create(SysV, p.name, layout(4096), p.o); done <- err }()
	for range 2 {
		select {
		case err := <-done:
			require.ErrorIs(t, err, protocol.ErrNotSegment)
		case <-time.After(20 * time.Second):
			t.Fatal("hangs")
		}
	}
	require.ErrorIs(t, Remove(SysV, p.name, p.o, false), protocol.ErrNotSegment)
	require.NoError(t, Remove(SysV, p.name, p.o, true))
}

func TestOpenFile_RefusesWhatIsNoSegment(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer r.Close()
	defer w.Close()
	null, err := os.Open("/dev/null")
	require.NoError(t, err)
	defer null.Close()
	dir, err := os.Open("/")
	require.NoError(t, err)
	defer dir.Close()
	text, err := os.Create(filepath.Join(t.TempDir(), "text"))
	require.NoError(t, err)
	defer text.Close()
	loose, err := unix.MemfdCreate("loose", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	require.NoError(t, err)
	mem := os.NewFile(uintptr(loose), "loose")
	defer mem.Close()
	for _, f := range []*os.File{r, w, null, dir, text, mem} {
		_, err := OpenFile(f, Options{})
		require.ErrorIs(t, err, protocol.ErrNotSegment, f.Name())
	}
	_, err = OpenFile(mem, Options{})
	require.ErrorContains(t, err, "can be truncated")
	require.NoError(t, text.Close())
	_, err = OpenFile(text, Options{})
	require.ErrorIs(t, err, os.ErrClosed)
}

func TestOpenFile_FindsTheNameOfAPosixSegment(t *testing.T) {
	p := newPlace(t, POSIX)
	s := p.create(t)
	f, err := s.File()
	require.NoError(t, err)
	defer f.Close()
	o, err := OpenFile(f, Options{})
	require.NoError(t, err)
	defer o.Close()
	require.Equal(t, POSIX, o.Backend())
	require.Equal(t, p.file(), o.Path())
	require.NoError(t, o.RemoveIfIdle())
	require.Empty(t, names(t, p.o.Dir))
	require.Equal(t, protocol.StateRemoved, s.State())

	// Without a name it can still be handed on, but nobody attaches any more.
	f, err = s.File()
	require.NoError(t, err)
	defer f.Close()
	_, err = OpenFile(f, Options{})
	require.ErrorIs(t, err, protocol.ErrRemoved)
}

func TestOpen_MemfdHasNoName(t *testing.T) {
	_, err := Open(Memfd, "shmpipe-test-x", Options{})
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorIs(t, Remove(Memfd, "shmpipe-test-x", Options{}, true), errors.ErrUnsupported)
	_, err = newPlace(t, SysV).create(t).File()
	require.ErrorIs(t, err, errors.ErrUnsupported)
}
