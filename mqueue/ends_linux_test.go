package mqueue

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/internal/mq"
	"shmpipe/internal/ofd"
	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// killReceiver has a receiver come and kills it.
func killReceiver(t *testing.T, q *Queue, k Kind, name string) {
	t.Helper()
	state := func() string {
		i, err := q.Info()
		require.NoError(t, err)
		return i.Who[spscConsumer].State
	}
	came := func() uint64 {
		v, err := q.state.state()
		require.NoError(t, err)
		return v.consumers
	}
	before := came()
	child := shmtest.Child(t, "receive", k.String(), name, "99", "100")
	shmtest.Eventually(t, "a receiver to come", func() bool { return came() > before && state() == "alive" })
	child.Kill()
	shmtest.Eventually(t, "it to be dead", func() bool { return state() == "died" })
}

// What was read before somebody left says that he is there, and his lease, looked at after that, that he is not.
func TestWhoLeavesWhileOneLooks_IsNotTakenForDead(t *testing.T) {
	q, _ := made(t, POSIX, Geometry{Mode: protocol.MPMC, MaxMessage: 100})
	s, err := q.Sender(EndOptions{})
	require.NoError(t, err)
	before, err := q.state.table()
	require.NoError(t, err)
	require.NoError(t, s.Close())
	e := before[0]
	require.NoError(t, q.state.settle(0, &e))
	require.EqualValues(t, protocol.EntryClosed, e.state)

	sender(t, q) // and if somebody has come instead
	e = before[0]
	require.NoError(t, q.state.settle(0, &e))
	require.EqualValues(t, protocol.EntryActive, e.state)
}

func TestManySendersThatLeaveAtOnce_EndTheStreamInOrder(t *testing.T) {
	q, _ := made(t, POSIX, Geometry{Mode: protocol.MPMC, MaxMessage: 100})
	for range 50 {
		const n = 4
		r, err := q.Receiver(EndOptions{Producers: n})
		require.NoError(t, err)
		for range n {
			s, err := q.Sender(EndOptions{Follow: true})
			require.NoError(t, err)
			go s.Close()
		}
		for err == nil {
			_, _, _, err = r.Next(soon(t))
		}
		require.Equal(t, io.EOF, err)
		require.NoError(t, r.Close())
	}
}

func TestASecondDeath_IsADeathToo(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, name := made(t, k, Geometry{MaxMessage: 100, Capacity: 1000})
		killReceiver(t, q, k, name)
		s := sender(t, q)
		require.NoError(t, s.gone(true), "that one died before we came")
		killReceiver(t, q, k, name)
		s.stale.Store(true)
		var err error
		for sent := 0; err == nil; sent++ {
			require.Less(t, sent, 1000)
			err = s.Send(noWait, []byte("x"), 0)
		}
		require.Equal(t, protocol.ErrPeerDied, err, "and only when the queue is full")
	})
}

func TestAMessageThatIsReturned_CountsOnce(t *testing.T) {
	q, _ := made(t, SysV, Geometry{})
	s, r := sender(t, q), receiver(t, q)
	require.NoError(t, s.Send(noWait, []byte("x"), 0))
	for range 3 {
		_, _, again, err := r.Next(noWait)
		require.NoError(t, err)
		require.False(t, again, "nobody else has seen it")
		r.Return()
		require.Zero(t, r.counter.Messages)
		require.Zero(t, r.counter.Bytes)
	}
	expect(t, r, []byte("x"))
	require.EqualValues(t, 1, r.counter.Messages)
	require.EqualValues(t, 1, r.counter.Bytes)
}

func TestABeginningWithoutAnEnd_KeepsNobodyWaiting(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, _ := made(t, k, Geometry{MaxMessage: 1 << 20, Capacity: 4096, Transient: true})
		s, err := q.Sender(EndOptions{})
		require.NoError(t, err)
		r, err := q.Receiver(EndOptions{})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Send(ctx, make([]byte, 1<<20), 0) }()
		for !r.partial {
			_, _, _, err := r.Next(noWait)
			require.Equal(t, protocol.ErrEmpty, err)
		}
		cancel()
		require.Equal(t, context.Canceled, <-done)
		for err = nil; err == nil; {
			_, err = r.kq.TryReceive(r.buf) // as if the rest of what was sent had been received
		}
		require.NoError(t, r.Close())
		v, err := q.state.state()
		require.NoError(t, err)
		require.Positive(t, v.leftoverBytes)
		require.NoError(t, s.Drain(soon(t)))

		r, err = q.Receiver(EndOptions{})
		require.NoError(t, err)
		require.NoError(t, s.Send(soon(t), []byte("after"), 0))
		expect(t, r, []byte("after"))
		v, err = q.state.state()
		require.NoError(t, err)
		require.Zero(t, v.leftoverBytes, "it is known now that it will not go on")
		require.EqualValues(t, 1, r.counter.Dropped)
		require.NoError(t, s.Close())
		require.NoError(t, r.Close())
		require.NoError(t, q.Close())
		_, err = os.Stat(q.state.path)
		require.ErrorIs(t, err, os.ErrNotExist, "transient")
	})
}

func TestTheEndOfStream_ComesBehindWhatWasLeftOver(t *testing.T) {
	q, _ := made(t, SysV, Geometry{Mode: protocol.MPMC, MaxMessage: 100})
	s := sender(t, q)
	a, b := receiver(t, q), receiver(t, q)
	require.NoError(t, s.Send(noWait, []byte("x"), 0))
	expect(t, a, []byte("x"))
	require.NoError(t, s.Close())
	require.NoError(t, b.takeLeftover()) // b begins to wait, and finds nothing
	a.Return()
	require.NoError(t, a.Close())
	b.stale.Store(true)
	_, err := b.ended()
	require.Equal(t, errLeftover, err)
	require.Equal(t, "x", string(b.last.payload))
	require.True(t, b.last.redelivered)
}

func TestClosing_NeedsNoLockThatAStoppedProcessMayHave(t *testing.T) {
	q, _ := made(t, POSIX, Geometry{MaxMessage: 100})
	s, r := sender(t, q), receiver(t, q)
	fd, err := ofd.Reopen(q.state.fd, unix.O_RDWR)
	require.NoError(t, err)
	defer func() { require.NoError(t, ofd.UnlockAndClose(fd)) }()
	ok, err := ofd.Lock(fd, unix.F_WRLCK, lockTable, 1)
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, s.Send(noWait, []byte("x"), 0))
	expect(t, r, []byte("x"))
	require.NoError(t, s.Close())
	_, _, _, err = r.Next(soon(t))
	require.Equal(t, io.EOF, err)
}

// lockedTable has somebody else hold the table's lock, as a process does that was stopped in the middle of a change.
func lockedTable(t *testing.T, q *Queue) (unlock func()) {
	t.Helper()
	fd, err := ofd.Reopen(q.state.fd, unix.O_RDWR)
	require.NoError(t, err)
	ok, err := ofd.LockWithin(fd, unix.F_WRLCK, lockTable, shmtest.Patience)
	require.NoError(t, err)
	require.True(t, ok)
	unlock = sync.OnceFunc(func() { require.NoError(t, ofd.UnlockAndClose(fd)) })
	t.Cleanup(unlock)
	return unlock
}

func TestClosingWithAMessage_LosesItToNoStoppedProcess(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, _ := made(t, k, Geometry{Mode: protocol.MPMC, MaxMessage: 100})
		s, r, other := sender(t, q), receiver(t, q), receiver(t, q)
		require.NoError(t, s.Send(noWait, []byte("one"), 7))
		require.NoError(t, s.Send(noWait, []byte("two"), 0))
		expect(t, r, []byte("one"))
		r.Return()
		unlock := lockedTable(t, q)
		err := r.Close()
		require.ErrorIs(t, err, protocol.ErrBusy)
		require.ErrorContains(t, err, "goes to another receiver")
		require.NoError(t, r.Close())
		_, _, _, err = r.Next(noWait)
		require.Equal(t, protocol.ErrClosed, err)
		r.Return()
		expect(t, other, []byte("two"))
		unlock()
		b, typ, again, err := other.Next(soon(t))
		require.NoError(t, err)
		require.Equal(t, "one", string(b))
		require.EqualValues(t, 7, typ)
		require.True(t, again)
		require.NoError(t, s.Close())
		_, _, _, err = other.Next(soon(t))
		require.Equal(t, io.EOF, err)
	})
}

// A part whose beginning another receiver left over cannot be put behind it while a stopped process has the table.
func TestAPartInHand_IsLostToNoStoppedProcess(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		for _, closes := range []bool{false, true} {
			q, _ := made(t, k, Geometry{Mode: protocol.MPMC, MaxMessage: 1 << 20, Capacity: 4096})
			s, begins, goesOn, last := sender(t, q), receiver(t, q), receiver(t, q), receiver(t, q)
			want := numbered(2, 3, 1<<19)
			done := make(chan error, 1)
			go func() { done <- s.Send(soon(t), want, 7) }()
			n, err := 0, error(mq.ErrEmpty)
			shmtest.Eventually(t, "one part, and no more", func() bool {
				n, err = begins.kq.TryReceive(begins.buf)
				return err != mq.ErrEmpty
			})
			require.NoError(t, err)
			require.NoError(t, begins.accept(begins.buf[:n]))
			require.True(t, begins.partial)
			require.NoError(t, begins.Close())
			unlock := lockedTable(t, q)
			for goesOn.aside == nil {
				_, _, _, err = goesOn.Next(noWait)
				require.True(t, err == protocol.ErrEmpty || errors.Is(err, protocol.ErrBusy), "got %v", err)
			}
			if closes {
				require.ErrorIs(t, goesOn.Close(), protocol.ErrBusy)
				goesOn = last
			}
			unlock()
			b, typ, _, err := goesOn.Next(soon(t))
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, b))
			require.EqualValues(t, 7, typ)
			require.NoError(t, <-done)
		}
	})
}

func TestClosingTwice_LeavesTheSuccessorAlone(t *testing.T) {
	q, _ := made(t, SysV, Geometry{MaxMessage: 100})
	r := receiver(t, q)
	s, err := q.Sender(EndOptions{})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	sender(t, q)
	require.NoError(t, s.Close())
	r.stale.Store(true)
	_, _, _, err = r.Next(noWait)
	require.Equal(t, protocol.ErrEmpty, err)
}

func TestWatchesThatCannotBeHad_ShareATimer(t *testing.T) {
	q, _ := made(t, SysV, Geometry{})
	receiver(t, q)
	before := runtime.NumGoroutine()
	for range 50 {
		e := &end{waiter: mq.NewWaiter()}
		hubOf.add(e, -1) // no such descriptor
		hubOf.remove(e)
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), before+5)
}

// One event, such as a peer that comes, once had the next wait end at once for ever.
func TestAnIdleReceiver_SleepsAfterAnEvent(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, _ := made(t, k, Geometry{})
		r := receiver(t, q)
		done := make(chan error, 1)
		go func() {
			_, _, _, err := r.Next(soon(t))
			done <- err
		}()
		time.Sleep(20 * time.Millisecond)
		s := sender(t, q)
		time.Sleep(100 * time.Millisecond)
		require.NoError(t, s.Send(noWait, []byte("x"), 0))
		require.NoError(t, <-done)
		require.Less(t, r.counter.Parks, uint64(50))
	})
}
