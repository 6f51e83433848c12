//go:build linux

package segment

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

func TestSysV_OpenWaitsForTheCreatorAndReportsItsDeath(t *testing.T) {
	p := newPlace(t, SysV)
	s := p.create(t)
	storeState(s.Bytes(), protocol.StateBuilding)
	began := time.Now()
	_, err := Open(SysV, p.name, p.o)
	require.ErrorIs(t, err, protocol.ErrNotReady)
	require.ErrorContains(t, err, "aborted creation; remove it with `shmpipe rm "+p.name+" --backend sysv`")
	require.Less(t, time.Since(began), patience, "nobody is at work, so nobody is waited for")

	fd, err := ofd.Reopen(int(s.file.Fd()), unix.O_RDWR)
	require.NoError(t, err)
	_, err = ofd.Lock(fd, unix.F_WRLCK, createByte, 1)
	require.NoError(t, err)
	_, err = Open(SysV, p.name, p.o)
	require.ErrorIs(t, err, protocol.ErrNotReady)
	require.ErrorContains(t, err, "at work")
	_, err = Create(SysV, p.name, layout(4096), p.o)
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorIs(t, Remove(SysV, p.name, p.o, false), protocol.ErrBusy)

	done := make(chan error)
	go func() {
		o, err := Open(SysV, p.name, p.o)
		if err == nil {
			o.Close()
		}
		done <- err
	}()
	storeState(s.Bytes(), protocol.StateReady)
	require.NoError(t, ofd.UnlockAndClose(fd))
	require.NoError(t, <-done)
}

// remains makes what a creator leaves that is killed at the given step.
func remains(t *testing.T, p place, step int) {
	dir, err := openDir(p.o)
	require.NoError(t, err)
	defer dir.close()
	l, err := holdLockFile(dir, p.name, 0o600, p.o)
	require.NoError(t, err)
	defer l.letGo()
	if step == 0 {
		return
	}
	require.NoError(t, l.write([16]byte{1, 2, 3}))
	if step == 1 {
		return
	}
	id, err := shmCreate(sysvKey(p.name), 128<<10, 0o600, false)
	require.NoError(t, err)
	if step == 2 {
		return
	}
	mem, err := shmAttach(id, false)
	require.NoError(t, err)
	defer unix.SysvShmDetach(mem)
	h := layout(64 << 10)
	h.Name = p.name
	m, err := compose(h)
	require.NoError(t, err)
	copy(mem, m.bytes[:[]int{8, 100, 4096, len(m.bytes)}[step-3]])
}

func TestSysV_RemainsOfEveryStepAreListedRemovedAndCreatedOver(t *testing.T) {
	for step := range 7 {
		p := newPlace(t, SysV)
		remains(t, p, step)
		_, err := Open(SysV, p.name, p.o)
		require.True(t, errors.Is(err, protocol.ErrNotReady) || errors.Is(err, fs.ErrNotExist), "step %d: %v", step, err)
		e := find(must(List(SysV, p.o)), p.name)
		require.Equal(t, p.name, e.Name, "step %d", step)
		require.ErrorIs(t, e.Err, protocol.ErrNotReady, "step %d", step)
		require.NoError(t, Remove(SysV, p.name, p.o, false), "step %d", step)
		require.Empty(t, names(t, p.o.Dir))
		require.Empty(t, p.listed(t))

		remains(t, p, step)
		s := p.create(t)
		require.NoError(t, s.RemoveIfIdle(), "step %d", step)
		require.Empty(t, p.listed(t))
	}
}

// Segments of System V are the host's, lock files a directory's: whoever looks into another one cannot know that the creator is dead.
func TestSysV_OneThatIsBeingMadeElsewhereIsNoRemains(t *testing.T) {
	p := newPlace(t, SysV)
	remains(t, p, 6)
	o := p.o
	o.Dir = t.TempDir()
	e := find(must(List(SysV, o)), p.name)
	require.ErrorIs(t, e.Err, ErrLockFile)
	require.NotErrorIs(t, e.Err, protocol.ErrNotReady)
	require.NoError(t, Remove(SysV, p.name, p.o, false))
}

func TestSysV_LostLockFileIsFoundOut(t *testing.T) {
	p := newPlace(t, SysV)
	s := p.create(t)
	lease(t, s, 0)
	require.NoError(t, os.Remove(p.lockFile()))
	_, err := Open(SysV, p.name, p.o)
	require.ErrorIs(t, err, ErrLockFile)
	require.ErrorIs(t, find(must(List(SysV, p.o)), p.name).Err, ErrLockFile)
	_, err = Create(SysV, p.name, layout(4096), p.o)
	require.ErrorIs(t, err, fs.ErrExist)
	require.Empty(t, names(t, p.o.Dir), "the refused creator leaves no lock file")
	err = Remove(SysV, p.name, p.o, false)
	require.ErrorIs(t, err, ErrLockFile, "its leases cannot be seen, but somebody is attached")
	require.ErrorContains(t, err, "1 processes are attached")
	require.Empty(t, names(t, p.o.Dir))

	require.NoError(t, os.WriteFile(p.lockFile(), []byte(hex.EncodeToString(make([]byte, 16))+"\n"), 0o600))
	_, err = Open(SysV, p.name, p.o)
	require.ErrorIs(t, err, ErrLockFile, "a lock file of something else")
	require.ErrorIs(t, find(must(List(SysV, p.o)), p.name).Err, ErrLockFile)
	require.NoError(t, Remove(SysV, p.name, p.o, true))
	require.Empty(t, names(t, p.o.Dir))
	require.Equal(t, protocol.StateRemoved, s.State())
	p.create(t)
}

func TestSysV_LostLockFileOfAnIdleSegmentDoesNotHinderItsRemoval(t *testing.T) {
	p := newPlace(t, SysV)
	require.NoError(t, p.create(t).Close())
	require.NoError(t, os.Remove(p.lockFile()))
	require.NoError(t, Remove(SysV, p.name, p.o, false))
	require.Empty(t, p.listed(t))
}

func TestSysV_NamesWithTheSameKeyAreNotMixedUp(t *testing.T) {
	p := newPlace(t, SysV)
	q := newPlace(t, SysV)
	q.o = p.o
	real, key := sysvKey, sysvKey(p.name)
	t.Cleanup(func() { sysvKey = real })
	sysvKey = func(string) uint32 { return key }
	s := p.create(t)
	_, err := Create(SysV, q.name, layout(4096), q.o)
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, p.name)
	require.ErrorContains(t, err, q.name)
	require.Len(t, names(t, p.o.Dir), 1)

	require.NoError(t, os.WriteFile(q.lockFile(), nil, 0o600))
	_, err = Open(SysV, q.name, q.o)
	require.ErrorIs(t, err, protocol.ErrNotSegment)
	require.ErrorContains(t, err, p.name)
	list := must(List(SysV, p.o))
	require.Len(t, p.listed(t), 1)
	require.NoError(t, find(list, p.name).Err)
	require.ErrorIs(t, find(list, q.name).Err, protocol.ErrNotSegment)
	require.NoError(t, Remove(SysV, q.name, q.o, true), "only the lock file goes")
	require.Equal(t, protocol.StateReady, s.State())
	p.open(t)
}

func TestSysV_SomebodyElsesMemoryIsLeftAlone(t *testing.T) {
	for what, text := range map[string]string{"blank": "", "used": "somebody else's data"} {
		t.Run(what, func(t *testing.T) {
			p := newPlace(t, SysV)
			id, err := shmCreate(sysvKey(p.name), 8192, 0o600, false)
			require.NoError(t, err)
			defer shmRemove(id)
			mem, err := shmAttach(id, false)
			require.NoError(t, err)
			copy(mem, text)
			require.NoError(t, unix.SysvShmDetach(mem))
			_, err = Create(SysV, p.name, layout(4096), p.o)
			require.ErrorIs(t, err, fs.ErrExist)
			_, err = Open(SysV, p.name, p.o)
			require.ErrorIs(t, err, fs.ErrNotExist)
			require.ErrorIs(t, Remove(SysV, p.name, p.o, false), protocol.ErrNotSegment)
			require.Empty(t, p.listed(t))
			require.Empty(t, names(t, p.o.Dir))
			_, err = shmStat(id)
			require.NoError(t, err)
		})
	}
}

func TestSysV_LockFileThatVanishesWhileItIsWaitedForIsMadeAnew(t *testing.T) {
	p := newPlace(t, SysV)
	dir, err := openDir(p.o)
	require.NoError(t, err)
	defer dir.close()
	l, err := holdLockFile(dir, p.name, 0o600, p.o)
	require.NoError(t, err)
	done := make(chan error)
	go func() {
		s, err := Create(SysV, p.name, layout(4096), p.o)
		if err == nil {
			s.Close()
		}
		done <- err
	}()
	time.Sleep(50 * time.Millisecond) // it waits now, or it comes later: either must do
	require.NoError(t, dir.unlink(lockEntry(p.name), l.stat))
	require.NoError(t, l.letGo())
	require.NoError(t, <-done)
	p.open(t)
}

func TestSysV_LockFileBelongsToWhoLocksItFirst(t *testing.T) {
	p := newPlace(t, SysV)
	dir, err := openDir(p.o)
	require.NoError(t, err)
	defer dir.close()
	l, err := openOrMakeLockFile(dir, lockEntry(p.name), 0o600)
	require.NoError(t, err)
	defer l.letGo()
	require.True(t, l.made)
	p.create(t)
	ok, err := l.hold(patience)
	require.NoError(t, err)
	require.True(t, ok)
	require.False(t, l.fresh, "another creator came between making and locking")
}

func TestSysV_RefusedSizeNamesTheLimits(t *testing.T) {
	_, err := shmCreate(sysvKey("shmpipe-test-limits"), 0, 0o600, false)
	require.ErrorIs(t, err, unix.EINVAL)
	for _, limit := range []string{"shmmni = ", "shmall = ", "shmmax = "} {
		require.ErrorContains(t, err, limit)
	}
}
