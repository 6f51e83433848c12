//go:build linux

package segment

import (
	"errors"
	"io/fs"
	"math/rand"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func TestRemove_RefusesWhileALeaseIsHeldAndNamesTheHolder(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		s := p.create(t)
		l := lease(t, s, 1)
		at := s.Header().ParticipantOffset(1)
		copy(s.Bytes()[at+protocol.OffRole:], le32(uint32(protocol.RoleConsumer)))
		copy(s.Bytes()[at+protocol.OffPID:], le32(4711))
		err := Remove(b, p.name, p.o, false)
		require.ErrorIs(t, err, protocol.ErrBusy)
		require.ErrorContains(t, err, "participant 1 (consumer, pid 4711)")
		require.NotContains(t, err.Error(), "participant 0")
		require.Equal(t, protocol.StateReady, s.State())

		require.NoError(t, Remove(b, p.name, p.o, true))
		require.Empty(t, names(t, p.o.Dir))
		require.Equal(t, protocol.StateRemoved, s.State())
		data := s.Header().Rings[0].Data
		s.Bytes()[data] = 9
		require.EqualValues(t, 9, s.Bytes()[data], "who is attached keeps the memory")
		require.True(t, held(t, s, 1))
		_, err = s.Lease(0)
		require.ErrorIs(t, err, protocol.ErrRemoved)
		_, err = Open(b, p.name, p.o)
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.NoError(t, l.Release())

		n := p.create(t)
		require.NotEqual(t, s.Header().UUID, n.Header().UUID)
		lease(t, n, 1)
	})
}

func TestRemove_OfAnIdleSegment(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		s := p.create(t)
		require.NoError(t, Remove(b, p.name, p.o, false))
		require.Empty(t, names(t, p.o.Dir))
		require.Equal(t, protocol.StateRemoved, s.State())
		require.NoError(t, s.RemoveIfIdle(), "it is gone, as wanted")
		require.ErrorIs(t, Remove(b, p.name, p.o, false), fs.ErrNotExist)
	})
}

func TestRemoveIfIdle_LeavesASuccessorAlone(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		old := p.create(t)
		// Removed by a stranger, without a word.
		if b == POSIX {
			require.NoError(t, os.Remove(p.file()))
		} else {
			require.NoError(t, os.Remove(p.lockFile()))
			require.NoError(t, shmRemove(old.shmid))
		}
		n := p.create(t)
		require.NoError(t, old.RemoveIfIdle())
		require.Equal(t, protocol.StateReady, n.State())
		require.Equal(t, n.Header(), p.open(t).Header())
		lease(t, n, 0)
	})
}

func TestRemoveIfIdle_CountsEveryLeaseButThoseGiven(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		s, o := p.create(t), p.open(t)
		mine, other := lease(t, s, 0), lease(t, o, 1)
		require.ErrorIs(t, s.RemoveIfIdle(), protocol.ErrBusy)
		err := s.RemoveIfIdle(mine)
		require.ErrorIs(t, err, protocol.ErrBusy)
		require.ErrorContains(t, err, "participant 1")
		require.NotContains(t, err.Error(), "participant 0")
		require.NoError(t, other.Release())
		require.ErrorIs(t, s.RemoveIfIdle(other), protocol.ErrBusy)
		third := lease(t, o, 1)
		require.ErrorIs(t, s.RemoveIfIdle(mine, other), protocol.ErrBusy, "a released lease excuses nobody")
		require.NoError(t, third.Release())
		require.Equal(t, protocol.StateReady, o.State())
		require.NoError(t, s.RemoveIfIdle(mine, nil))
		require.Equal(t, protocol.StateRemoved, o.State())
		require.Empty(t, names(t, p.o.Dir))
	})
}

func TestRemoveIfIdle_LastOutRemovesOnceWhoeverThatIs(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		for round := range 50 {
			p.create(t).Close()
			var segments [2]*Segment
			var leases [2]*Lease
			for i := range segments {
				segments[i] = p.open(t)
				leases[i] = lease(t, segments[i], uint32(i))
			}
			var wg sync.WaitGroup
			for i := range segments {
				rnd := rand.New(rand.NewSource(seed + int64(2*round+i)))
				wg.Go(func() {
					time.Sleep(time.Duration(rnd.Intn(300)) * time.Microsecond)
					if err := leases[i].Release(); err != nil {
						t.Error(err)
					}
					if err := segments[i].RemoveIfIdle(); err != nil && !errors.Is(err, protocol.ErrBusy) {
						t.Error(err)
					}
					segments[i].Close()
				})
			}
			wg.Wait()
			require.Empty(t, names(t, p.o.Dir), "nobody is left, so nothing is")
		}
	})
}

func TestRemove_RacesWithLeasesAndNeverCatchesOne(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		for range 50 {
			s, o := p.create(t), p.open(t)
			var l *Lease
			var leaseErr, removeErr error
			var wg sync.WaitGroup
			wg.Go(func() { l, leaseErr = o.Lease(0) })
			wg.Go(func() { removeErr = Remove(b, p.name, p.o, false) })
			wg.Wait()
			if leaseErr == nil {
				require.ErrorIs(t, removeErr, protocol.ErrBusy)
				require.NoError(t, l.Release())
				require.NoError(t, s.RemoveIfIdle())
			} else {
				require.ErrorIs(t, leaseErr, protocol.ErrRemoved)
				require.NoError(t, removeErr)
			}
			s.Close()
			o.Close()
		}
	})
}

func TestCreate_FinishesTheWorkOfAKilledRemover(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		storeState(p.create(t).Bytes(), protocol.StateRemoved)
		_, err := Open(b, p.name, p.o)
		require.ErrorIs(t, err, protocol.ErrRemoved)
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.Equal(t, protocol.StateReady, p.create(t).State())
		p.open(t)
	})
}

func TestList_ShowsTheSoundAndMarksTheRest(t *testing.T) {
	named(t, func(t *testing.T, b Backend) {
		p := newPlace(t, b)
		s := p.create(t)
		require.NoError(t, os.WriteFile(p.o.Dir+"/other", nil, 0o600))
		require.NoError(t, os.WriteFile(p.o.Dir+"/shmpipe.", nil, 0o600))
		require.NoError(t, os.WriteFile(p.o.Dir+"/shmpipe-sysv..lock", nil, 0o600))
		list := p.listed(t)
		require.Len(t, list, 1)
		e := list[0]
		require.NoError(t, e.Err)
		require.Equal(t, p.name, e.Name)
		require.Equal(t, b, e.Backend)
		require.Equal(t, s.Path(), e.Path)
		require.Equal(t, s.Header(), e.Header)
		require.Equal(t, protocol.StateReady, e.State)
		require.Equal(t, s.Header().SegmentSize, e.Size)
		require.EqualValues(t, 0o600, e.Mode)
		require.EqualValues(t, os.Geteuid(), e.UID)
		require.WithinDuration(t, time.Now(), e.Created, time.Minute)
	})
	_, err := List(POSIX, Options{Dir: "/nowhere/at/all"})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestRemove_TakesItsMarkBackIfTheNameStays(t *testing.T) {
	p := newPlace(t, POSIX)
	s := p.create(t)
	denied := func() error { return fs.ErrPermission }
	require.ErrorIs(t, markThen(memState(s.Bytes()), denied), fs.ErrPermission)
	require.Equal(t, protocol.StateReady, s.State())
	fd := int(s.file.Fd())
	m, err := readImage(preader(fd), s.Header().SegmentSize)
	require.NoError(t, err)
	require.ErrorIs(t, markThen(fileState{fd, m}, denied), fs.ErrPermission)
	require.Equal(t, protocol.StateReady, s.State())
	lease(t, s, 0)
}
