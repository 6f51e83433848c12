package mqueue

import (
	"context"
	"io"
	"os"
	"runtime"
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
