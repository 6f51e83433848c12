package mqueue

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/internal/mq"
	"shmpipe/internal/shmtest"
	"shmpipe/internal/whoami"
	"shmpipe/protocol"
)

// onAThread runs f on a thread of its own, which ends with it, so that f may change whose the thread is and what it sees.
func onAThread(t *testing.T, f func() error) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	err := <-done
	if errors.Is(err, unix.EPERM) {
		t.Skip(err)
	}
	require.NoError(t, err)
}

const nobody = 65534

func becomeNobody() error {
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, ^uintptr(0), nobody, ^uintptr(0)); errno != 0 {
		return errno
	}
	return nil
}

// rewriteHeader changes what does not change.
func rewriteHeader(t *testing.T, q *Queue, change func(h *header)) {
	t.Helper()
	h := *q.state.head
	change(&h)
	require.NoError(t, q.state.writeAt(h.encode(), 0))
}

func TestAKernelQueueOfAnotherUser_IsRefused(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, name := made(t, k, Geometry{})
		require.NoError(t, q.look.Remove())
		var trap *mq.Queue
		onAThread(t, func() (err error) {
			if err := becomeNobody(); err != nil {
				return err
			}
			if k == POSIX {
				trap, err = mq.CreatePOSIX(q.state.head.queueName(), 10, 8192, 0o666)
			} else {
				trap, err = mq.CreateSysV(q.state.head.key, 0, 0o666)
			}
			return err
		})
		defer func() { require.NoError(t, errors.Join(trap.Remove(), trap.Close())) }()
		v, err := q.state.state()
		require.NoError(t, err)
		v.id = int32(trap.ID())
		require.NoError(t, q.state.setState(v))
		_, err = Open(k, name, Options{})
		require.ErrorIs(t, err, fs.ErrPermission)
		require.ErrorContains(t, err, "belongs to uid 65534")
		again, err := Open(k, name, Options{AllowOtherOwner: true})
		require.NoError(t, err)
		require.NoError(t, again.Close())
		require.ErrorIs(t, Remove(k, name, Options{}, false), fs.ErrPermission)
	})
}

func TestAnotherUser_MayOpenForReadingWhatItsModeAllows(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		name := shmtest.TempName(t)
		q, err := Create(k, name, Geometry{}, Options{Perm: 0o644})
		require.NoError(t, err)
		defer func() { require.NoError(t, errors.Join(q.Close(), Remove(k, name, Options{}, true))) }()
		onAThread(t, func() error {
			if err := becomeNobody(); err != nil {
				return err
			}
			v, err := Open(k, name, Options{ReadOnly: true})
			if err != nil {
				return err
			}
			_, _, err = v.Depth()
			return errors.Join(err, v.Close())
		})
	})
}

func TestReap_NeedsAHandleThatMayWrite(t *testing.T) {
	_, name := made(t, SysV, Geometry{})
	q, err := Open(SysV, name, Options{ReadOnly: true})
	require.NoError(t, err)
	defer q.Close()
	_, err = q.Reap()
	require.ErrorIs(t, err, fs.ErrPermission)
}

// Where the usual directory may not be entered, the next one does.
func TestADirectoryThatMayNotBeEntered_IsPassedOver(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		name := shmtest.TempName(t)
		onAThread(t, func() error {
			if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
				return err
			}
			if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
				return err
			}
			if err := unix.Mount("none", "/dev/shm", "tmpfs", 0, "mode=0700"); err != nil {
				return err
			}
			if err := becomeNobody(); err != nil {
				return err
			}
			_, err := Open(k, name, Options{})
			if !errors.Is(err, fs.ErrNotExist) {
				return errors.Join(errors.New("want: not there"), err)
			}
			q, err := Create(k, name, Geometry{}, Options{})
			if err != nil {
				return err
			}
			again, err := Open(k, name, Options{})
			if err == nil {
				err = again.Close()
			}
			return errors.Join(err, q.Close(), Remove(k, name, Options{}, true))
		})
	})
}

func TestAQueueThatVanished_IsMadeAnew(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		for _, boot := range [][16]byte{whoami.Boot(), {1}} {
			q, name := made(t, k, Geometry{})
			rewriteHeader(t, q, func(h *header) { h.boot = boot })
			require.NoError(t, q.look.Remove())
			_, err := Open(k, name, Options{})
			require.ErrorIs(t, err, fs.ErrNotExist)
			require.ErrorIs(t, err, protocol.ErrNotReady)
			again, err := Create(k, name, Geometry{}, Options{})
			require.NoError(t, err)
			require.NoError(t, again.Close())
			require.NoError(t, Remove(k, name, Options{}, false))
		}
	})
}

func TestAQueueThatVanishedButIsInUse_IsNot(t *testing.T) {
	q, name := made(t, POSIX, Geometry{})
	sender(t, q)
	require.NoError(t, q.look.Remove())
	_, err := Create(POSIX, name, Geometry{}, Options{})
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "goes on with it")
}

// /dev/shm may be shared between containers whose queues are not.
func TestAQueueOfAnotherNamespace_IsLeftAlone(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, name := made(t, k, Geometry{})
		rewriteHeader(t, q, func(h *header) { h.ipcSpace++ })
		require.NoError(t, q.look.Remove()) // which is how it looks from there
		_, err := Open(k, name, Options{})
		require.ErrorIs(t, err, protocol.ErrNotReady)
		require.NotErrorIs(t, err, fs.ErrNotExist)
		require.ErrorContains(t, err, "another IPC namespace")
		_, err = Create(k, name, Geometry{}, Options{})
		require.ErrorIs(t, err, fs.ErrExist)
		require.ErrorContains(t, err, "another IPC namespace")
		require.ErrorContains(t, Remove(k, name, Options{}, false), "another IPC namespace")
		require.NoError(t, Remove(k, name, Options{}, true))
	})
}

// All queues of a user count together, so what is left of the limit shows only when one is made.
func TestWhereLittleIsLeftOfTheLimit_FewerMessagesDo(t *testing.T) {
	if _, err := mq.ReadPOSIXLimits(); err != nil {
		t.Skip(err)
	}
	var old unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_MSGQUEUE, &old))
	defer func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_MSGQUEUE, &old)) }()
	name := shmtest.TempName(t)
	defer func() { _ = Remove(POSIX, name, Options{}, true) }()
	limits, err := mq.ReadPOSIXLimits()
	require.NoError(t, err)
	planned := &header{maxMessage: 1 << 20}
	planPOSIX(planned, limits, 4<<20)
	whole := limits.Cost(planned.messages, planned.messageSize)
	// Other programs have queues that come and go, so the limit is raised from too little until something fits.
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		for limit := whole + 1; limit < 100*whole; limit += whole / 4 {
			require.NoError(t, unix.Setrlimit(unix.RLIMIT_MSGQUEUE, &unix.Rlimit{Cur: limit, Max: old.Max}))
			hog, err := mq.CreatePOSIX(name+".hog", 5, planned.messageSize, 0o600)
			if err != nil {
				continue
			}
			q, err := Create(POSIX, name, Geometry{MaxMessage: 1 << 20, Capacity: 4 << 20}, Options{})
			require.NoError(t, errors.Join(hog.Remove(), hog.Close()))
			if err != nil {
				continue
			}
			h := *q.state.head
			require.NoError(t, errors.Join(q.Close(), Remove(POSIX, name, Options{}, false)))
			if h.messages < planned.messages {
				require.Contains(t, h.why, "RLIMIT_MSGQUEUE")
				require.Contains(t, h.why, "instead of 81920")
				return
			}
			break
		}
	}
	t.Skip("the limit could not be met: other programs' queues come and go")
}

func TestAnotherPlan_IsTriedWhereItMayDo(t *testing.T) {
	h := &header{kind: SysV}
	require.True(t, h.tryAnother(fs.ErrExist))
	require.False(t, h.tryAnother(fs.ErrPermission))
	p := &header{kind: POSIX, messages: 1}
	require.False(t, p.tryAnother(unix.EMFILE), "fewer than one")
	require.False(t, (&header{kind: POSIX, messages: 4}).tryAnother(unix.ENOSPC))
}
