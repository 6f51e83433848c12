//go:build linux

package segment

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

// holdings is what this process has of segments: descriptors of any kind, and mappings that are ours by name.
func holdings(t *testing.T) (descriptors, mappings int) {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	f, err := os.Open("/proc/self/maps")
	require.NoError(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if s := lines.Text(); strings.Contains(s, "shmpipe") || strings.Contains(s, "SYSV") || strings.Contains(s, "/dev/shm") {
			mappings++
		}
	}
	return len(list), mappings
}

func noLeak(t *testing.T, f func()) {
	t.Helper()
	f() // descriptors that the runtime keeps are opened now
	d, m := holdings(t)
	f()
	d2, m2 := holdings(t)
	require.Equal(t, d, d2, "descriptors")
	require.Equal(t, m, m2, "mappings")
}

func TestLeak_OpenLeaseReleaseClose(t *testing.T) {
	for b, rounds := range map[Backend]int{POSIX: 10000, SysV: 5000} {
		t.Run(b.String(), func(t *testing.T) {
			p := newPlace(t, b)
			p.create(t)
			before := names(t, p.o.Dir)
			noLeak(t, func() {
				for i := range rounds {
					s, err := Open(b, p.name, p.o)
					if err != nil {
						t.Fatal(err)
					}
					l, err := s.Lease(uint32(i % 2))
					if err != nil {
						t.Fatal(err)
					}
					if l.Release() != nil || s.Close() != nil {
						t.Fatal("not released")
					}
				}
			})
			require.Equal(t, before, names(t, p.o.Dir))
		})
	}
}

func TestLeak_CreateRemove(t *testing.T) {
	for _, b := range []Backend{POSIX, SysV, Memfd} {
		t.Run(b.String(), func(t *testing.T) {
			p := newPlace(t, b)
			noLeak(t, func() {
				for range 300 {
					s, err := Create(b, p.name, layout(4096), p.o)
					require.NoError(t, err)
					if b != SysV {
						f, err := s.File()
						require.NoError(t, err)
						o, err := OpenFile(f, p.o)
						require.NoError(t, err)
						require.NoError(t, o.Close())
						require.NoError(t, f.Close())
					}
					require.NoError(t, s.RemoveIfIdle())
					require.NoError(t, s.Close())
				}
			})
			require.Empty(t, names(t, p.o.Dir))
			rows, err := shmRows()
			require.NoError(t, err)
			for _, r := range rows {
				require.NotEqual(t, sysvKey(p.name), r.key)
			}
		})
	}
}

func TestLeak_ErrorPaths(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p, absent := newPlace(t, b), newPlace(t, b)
		s := p.create(t)
		broken := newPlace(t, b)
		if b == POSIX {
			require.NoError(t, os.WriteFile(broken.file(), make([]byte, 9000), 0o600))
		} else {
			remains(t, broken, 4)
		}
		l := lease(t, s, 0)
		defer l.Release()
		text, err := os.Open("/etc/passwd")
		require.NoError(t, err)
		defer text.Close()
		noLeak(t, func() {
			for range 100 {
				_, err := s.Lease(0)
				require.ErrorIs(t, err, protocol.ErrBusy)
				require.ErrorIs(t, s.RemoveIfIdle(), protocol.ErrBusy)
				require.ErrorIs(t, Remove(b, p.name, p.o, false), protocol.ErrBusy)
				_, err = Create(b, p.name, layout(4096), p.o)
				require.Error(t, err)
				_, err = Open(b, absent.name, absent.o)
				require.Error(t, err)
				_, err = Open(b, broken.name, broken.o)
				require.Error(t, err)
				require.Error(t, Remove(b, absent.name, absent.o, true))
				_, err = OpenFile(text, Options{})
				require.Error(t, err)
				_, err = Create(b, absent.name, layout(1<<40), absent.o)
				require.Error(t, err)
				must(List(b, p.o))
				must(List(b, broken.o))
			}
		})
	})
}

func smapsFlags(t *testing.T, addr uintptr) string {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	require.NoError(t, err)
	defer f.Close()
	want, inside := strconv.FormatUint(uint64(addr), 16)+"-", false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), want) {
			inside = true
		}
		if flags, ok := strings.CutPrefix(lines.Text(), "VmFlags:"); ok && inside {
			return flags
		}
	}
	t.Fatalf("mapping at %#x is not in smaps", addr)
	return ""
}

func TestLocks_UnlockWorksWhileACopyOfTheDescriptorLives(t *testing.T) {
	s := newPlace(t, POSIX).create(t)
	fd, err := ofd.Reopen(int(s.file.Fd()), unix.O_RDWR)
	require.NoError(t, err)
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	require.NoError(t, err)
	defer unix.Close(dup)
	ok, err := ofd.Lock(fd, unix.F_WRLCK, protocol.LeaseByte(0), 1)
	require.NoError(t, err)
	require.True(t, ok)
	require.True(t, held(t, s, 0))
	require.NoError(t, ofd.UnlockAndClose(fd))
	require.False(t, held(t, s, 0), "a child between fork and exec does not prolong a lease")
}
