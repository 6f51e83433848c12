//go:build linux

package segment

import (
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

func TestLease_IsExclusiveInOneProcess(t *testing.T) {
	for _, b := range []Backend{POSIX, SysV, Memfd} {
		t.Run(b.String(), func(t *testing.T) {
			s := newPlace(t, b).create(t)
			require.False(t, held(t, s, 0))
			l := lease(t, s, 0)
			require.EqualValues(t, 0, l.Participant())
			require.True(t, held(t, s, 0), "the holder sees itself")
			require.False(t, held(t, s, 1))
			_, err := s.Lease(0)
			require.ErrorIs(t, err, protocol.ErrBusy)
			other := lease(t, s, 1)
			require.NoError(t, l.Release())
			require.NoError(t, l.Release(), "again is fine")
			require.False(t, held(t, s, 0))
			require.True(t, held(t, s, 1))
			lease(t, s, 0)
			require.NoError(t, other.Release())
			_, err = s.Lease(2)
			require.ErrorIs(t, err, fs.ErrInvalid)
			require.ErrorContains(t, err, "participants 0 to 1")
		})
	}
}

func TestLease_BusyTextNamesTheHolder(t *testing.T) {
	s := newPlace(t, POSIX).create(t)
	lease(t, s, 1)
	_, err := s.Lease(1)
	require.ErrorContains(t, err, "participant 1")
	at := s.Header().ParticipantOffset(1)
	copy(s.Bytes()[at+protocol.OffRole:], le32(uint32(protocol.RoleConsumer)))
	copy(s.Bytes()[at+protocol.OffPID:], le32(4711))
	_, err = s.Lease(1)
	require.ErrorContains(t, err, "participant 1 (consumer, pid 4711)")
}

func TestLease_OfAnotherProcessConflictsAndDiesWithIt(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		s := p.create(t)
		c := start(t, "lease", nil, p.args("0")...)
		require.Equal(t, "held", c.line(t))
		require.True(t, held(t, s, 0))
		_, err := s.Lease(0)
		require.ErrorIs(t, err, protocol.ErrBusy)

		require.NoError(t, c.Process.Signal(syscall.SIGSTOP))
		var ws syscall.WaitStatus
		_, err = syscall.Wait4(c.Process.Pid, &ws, syscall.WUNTRACED, nil)
		require.NoError(t, err)
		require.True(t, ws.Stopped())
		require.True(t, held(t, s, 0), "a stopped process lives")
		require.ErrorIs(t, Remove(b, p.name, p.o, false), protocol.ErrBusy)

		require.NoError(t, c.Process.Signal(syscall.SIGKILL))
		eventually(t, "a killed process that nobody has reaped holds nothing", func() bool { return !held(t, s, 0) })
		eventually(t, "it is a zombie", func() bool {
			state, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.Process.Pid))
			return err == nil && strings.Contains(string(state), ") Z ")
		})
		lease(t, s, 0)
	})
}

func TestLease_EndsWithAnOrderlyExitToo(t *testing.T) {
	p := newPlace(t, POSIX)
	s := p.create(t)
	c := start(t, "lease", nil, p.args("1")...)
	require.Equal(t, "held", c.line(t))
	require.NoError(t, c.in.Close())
	eventually(t, "free", func() bool { return !held(t, s, 1) })
}

func TestLease_OfAHandedOverFileIsItsOwn(t *testing.T) {
	for _, b := range []Backend{POSIX, Memfd} {
		t.Run(b.String(), func(t *testing.T) {
			p := newPlace(t, b)
			s := p.create(t)
			f, err := s.File()
			require.NoError(t, err)
			defer f.Close()
			l := lease(t, s, 0)

			c := start(t, "lease-file", []*os.File{f}, p.args("0")...)
			require.Regexp(t, "error: .*held by a live participant", c.line(t))
			c = start(t, "lease-file", []*os.File{f}, p.args("1")...)
			require.Equal(t, "held", c.line(t))
			require.True(t, held(t, s, 1))
			_, err = s.Lease(1)
			require.ErrorIs(t, err, protocol.ErrBusy)
			require.NoError(t, l.Release())
			require.True(t, held(t, s, 1), "the parent's release is not the child's")
			c.end()
			eventually(t, "free", func() bool { return !held(t, s, 1) })
		})
	}
}

func TestMemfd_CannotBeResizedByAnybody(t *testing.T) {
	s := newPlace(t, Memfd).create(t)
	f, err := s.File()
	require.NoError(t, err)
	defer f.Close()
	size := int64(len(s.Bytes()))
	require.ErrorIs(t, f.Truncate(0), syscall.EPERM)
	require.ErrorIs(t, f.Truncate(size+1), syscall.EPERM)
	require.ErrorIs(t, unix.Ftruncate(int(s.file.Fd()), 4096), syscall.EPERM)
	o, err := OpenFile(f, Options{})
	require.NoError(t, err)
	defer o.Close()
	require.Equal(t, Memfd, o.Backend())
	require.Equal(t, s.Path(), o.Path())
	require.Equal(t, s.Header(), o.Header())
	require.NoError(t, o.RemoveIfIdle())
	_, err = s.Lease(0)
	require.ErrorIs(t, err, protocol.ErrRemoved)
}

func TestHeld_AllocatesNothingAndIsSafeWithClose(t *testing.T) {
	s := newPlace(t, POSIX).create(t)
	require.Zero(t, testing.AllocsPerRun(200, func() { s.Held(0) }))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				if _, err := s.Held(1); err != nil {
					if err != os.ErrClosed {
						t.Error(err)
					}
					return
				}
				s.State()
			}
		})
	}
	require.NoError(t, s.Close())
	wg.Wait()
	require.NoError(t, s.Close())
	require.Equal(t, protocol.StateRemoved, s.State())
	_, err := s.Lease(0)
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = s.File()
	require.ErrorIs(t, err, os.ErrClosed)
	require.ErrorIs(t, s.RemoveIfIdle(), os.ErrClosed)
}

func TestLease_OutlivesTheCloseOfItsSegment(t *testing.T) {
	p := newPlace(t, POSIX)
	s := p.create(t)
	l := lease(t, s, 0)
	require.NoError(t, s.Close())
	o := p.open(t)
	require.True(t, held(t, o, 0))
	require.NoError(t, l.Release())
	require.False(t, held(t, o, 0))
}

func TestLease_WaitsForARemoverAndThenSeesTheRemoval(t *testing.T) {
	s := newPlace(t, POSIX).create(t)
	remover, err := ofd.Reopen(int(s.file.Fd()), unix.O_RDWR)
	require.NoError(t, err)
	ok, err := ofd.Lock(remover, unix.F_WRLCK, protocol.AttachByte, 1)
	require.NoError(t, err)
	require.True(t, ok)
	_, err = s.Lease(0)
	require.ErrorIs(t, err, protocol.ErrBusy)
	require.ErrorContains(t, err, "removing")

	done := make(chan error)
	go func() { _, err := s.Lease(0); done <- err }()
	storeState(s.Bytes(), protocol.StateRemoved)
	require.NoError(t, ofd.UnlockAndClose(remover))
	require.ErrorIs(t, <-done, protocol.ErrRemoved)
	require.False(t, held(t, s, 0), "a refused lease is not held")
}

func TestLease_ReportsABrokenState(t *testing.T) {
	s := newPlace(t, POSIX).create(t)
	storeState(s.Bytes(), 77)
	_, err := s.Lease(0)
	require.ErrorIs(t, err, protocol.ErrCorrupt)
}
