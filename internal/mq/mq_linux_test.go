package mq

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// kinds make a queue of 4 messages of 64 bytes, or as near to it as the kind allows.
var kinds = map[string]func(t *testing.T) *Queue{
	"posix": func(t *testing.T) *Queue {
		name := fmt.Sprintf("shmpipe-test-%d-%x", os.Getpid(), rand.Uint64())
		q, err := CreatePOSIX(name, 4, 64, 0o600)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		require.NoError(t, err)
		t.Cleanup(func() {
			_ = RemovePOSIX(name) // it may be gone
			q.Close()
		})
		return q
	},
	"sysv": func(t *testing.T) *Queue {
		q, err := CreateSysV(int32(rand.Uint32()|1), 256, 0o600)
		if errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		require.NoError(t, err)
		t.Cleanup(func() {
			_ = q.Remove()
			q.Close()
		})
		return q
	},
}

func forEach(t *testing.T, f func(t *testing.T, q *Queue)) {
	for name, make := range kinds {
		t.Run(name, func(t *testing.T) { f(t, make(t)) })
	}
}

// again is another handle on the queue.
func again(t *testing.T, q *Queue) *Queue {
	t.Helper()
	var v *Queue
	var err error
	if q.Name() != "" {
		v, err = OpenPOSIX(q.Name(), false)
	} else {
		v, err = OpenSysV(q.Key())
	}
	require.NoError(t, err)
	t.Cleanup(func() { v.Close() })
	return v
}

const patience = 30 * time.Second

func within(t *testing.T, c <-chan error) error {
	t.Helper()
	select {
	case err := <-c:
		return err
	case <-time.After(patience):
		t.Fatal("nothing happens")
		return nil
	}
}

func TestMessages_ComeInOrderAndWhole(t *testing.T) {
	forEach(t, func(t *testing.T, q *Queue) {
		a, err := q.Attr()
		require.NoError(t, err)
		buf := make([]byte, a.MessageSize)
		_, err = q.TryReceive(buf)
		require.Equal(t, ErrEmpty, err)
		for _, text := range []string{"", "a", "bc"} {
			require.NoError(t, q.TrySend([]byte(text)))
		}
		for _, text := range []string{"", "a", "bc"} {
			n, err := q.TryReceive(buf)
			require.NoError(t, err)
			require.Equal(t, text, string(buf[:n]))
		}
		require.NoError(t, q.TrySend(buf[:64]))
		require.ErrorIs(t, q.TrySend(make([]byte, 1<<20)), unix.EMSGSIZE)
		require.Equal(t, fs.FileMode(0o600), a.Mode)
		require.EqualValues(t, os.Geteuid(), a.UID)
	})
}

func TestFull_IsSaidAndWaitedFor(t *testing.T) {
	forEach(t, func(t *testing.T, q *Queue) {
		n := 0
		for ; ; n++ {
			if err := q.TrySend(make([]byte, 64)); err != nil {
				require.Equal(t, ErrFull, err)
				break
			}
		}
		require.Equal(t, 4, n)
		done := make(chan error, 1)
		go func() { done <- q.Send(NewWaiter(), make([]byte, 64)) }()
		time.Sleep(5 * time.Millisecond)
		buf := make([]byte, 1<<16)
		_, err := again(t, q).TryReceive(buf)
		require.NoError(t, err)
		require.NoError(t, within(t, done))
	})
}

func TestManyWaitsBothWays_LoseNothing(t *testing.T) {
	forEach(t, func(t *testing.T, q *Queue) {
		const n, each = 3000, 3
		errs := make(chan error, 2*each)
		sum := make(chan int, each)
		for range each {
			s, r := again(t, q), again(t, q)
			go func() {
				w := NewWaiter()
				for i := range n {
					if err := s.Send(w, strconv.AppendInt(nil, int64(i), 10)); err != nil {
						errs <- err
						return
					}
				}
				errs <- nil
			}()
			go func() {
				w, buf, got := NewWaiter(), make([]byte, 1<<16), 0
				for range n {
					k, err := r.Receive(w, buf)
					if err != nil {
						errs <- err
						return
					}
					i, err := strconv.Atoi(string(buf[:k]))
					if err != nil {
						errs <- err
						return
					}
					got += i
				}
				sum <- got
				errs <- nil
			}()
		}
		for range 2 * each {
			require.NoError(t, within(t, errs))
		}
		total := 0
		for range each {
			total += <-sum
		}
		require.Equal(t, each*n*(n-1)/2, total)
	})
}

func TestInterrupt_EndsAWaitAtAnyMoment(t *testing.T) {
	forEach(t, func(t *testing.T, q *Queue) {
		w, buf := NewWaiter(), make([]byte, 1<<16)
		for i := range 300 {
			done := make(chan error, 1)
			w.Reset()
			go func() {
				_, err := q.Receive(w, buf)
				done <- err
			}()
			time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
			w.Interrupt()
			require.Equal(t, ErrInterrupted, within(t, done), "round %d", i)
		}
		_, err := q.Receive(w, buf)
		require.Equal(t, ErrInterrupted, err, "it sticks")
		w.Reset()
		require.NoError(t, q.TrySend([]byte("x")))
		n, err := q.Receive(w, buf)
		require.NoError(t, err)
		require.Equal(t, 1, n)
	})
}

func TestClose_EndsAWait(t *testing.T) {
	forEach(t, func(t *testing.T, q *Queue) {
		other := again(t, q)
		done := make(chan error, 1)
		go func() {
			_, err := other.Receive(NewWaiter(), make([]byte, 1<<16))
			done <- err
		}()
		time.Sleep(5 * time.Millisecond)
		require.NoError(t, other.Close())
		require.NoError(t, other.Close())
		require.ErrorIs(t, within(t, done), os.ErrClosed)
		require.ErrorIs(t, other.TrySend(nil), os.ErrClosed)
	})
}

func TestRemoval_OfASysVQueueEndsAWait(t *testing.T) {
	q := kinds["sysv"](t)
	done := make(chan error, 1)
	go func() {
		_, err := q.Receive(NewWaiter(), make([]byte, 1<<16))
		done <- err
	}()
	time.Sleep(5 * time.Millisecond)
	found, err := ListSysV()
	require.NoError(t, err)
	require.Contains(t, keys(found), q.Key())
	byID, err := OpenSysVID(q.ID())
	require.NoError(t, err)
	require.Equal(t, q.Key(), byID.Key())
	require.NoError(t, byID.Remove())
	require.ErrorIs(t, within(t, done), fs.ErrNotExist)
	require.ErrorIs(t, q.TrySend(nil), fs.ErrNotExist)
	_, err = OpenSysV(q.Key())
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func keys(entries []Entry) (k []int32) {
	for _, e := range entries {
		k = append(k, e.Key)
	}
	return k
}

func TestNames_AreTakenOnceAndCanBeAbsent(t *testing.T) {
	q := kinds["posix"](t)
	_, err := CreatePOSIX(q.Name(), 4, 64, 0o600)
	require.ErrorIs(t, err, fs.ErrExist)
	require.NoError(t, q.Remove())
	require.ErrorIs(t, RemovePOSIX(q.Name()), fs.ErrNotExist)
	_, err = OpenPOSIX(q.Name(), false)
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, bad := range []string{"", "a/b", "a\x00b"} {
		_, err := OpenPOSIX(bad, false)
		require.Error(t, err, "%q", bad)
	}
}

func TestNothingIsAllocatedForAMessage(t *testing.T) {
	forEach(t, func(t *testing.T, q *Queue) {
		msg, buf, w := make([]byte, 32), make([]byte, 1<<16), NewWaiter()
		require.Zero(t, testing.AllocsPerRun(100, func() {
			if q.TrySend(msg) != nil {
				t.Fatal("full")
			}
			if _, err := q.Receive(w, buf); err != nil {
				t.Fatal(err)
			}
		}))
	})
}

func TestRefusals_NameTheLimitItsValueAndTheRemedy(t *testing.T) {
	l := POSIXLimits{Messages: 10, MessageSize: 8192, Queues: 256, Bytes: 819200}
	for _, c := range []struct {
		messages, size int
		err            error
		want           string
	}{
		{20, 64, unix.EINVAL, "fs.mqueue.msg_max is 10; raise it with `sysctl -w fs.mqueue.msg_max=20`"},
		{10, 9000, unix.EINVAL, "fs.mqueue.msgsize_max is 8192; raise it with `sysctl -w fs.mqueue.msgsize_max=9000`"},
		{10, 8192, unix.EMFILE, "it takes 82880 bytes, and RLIMIT_MSGQUEUE lets all queues of this user have 819200"},
		{10, 64, unix.ENOSPC, "fs.mqueue.queues_max allows, 256"},
	} {
		err := refusedPOSIX(l, c.messages, c.size, c.err)
		require.ErrorContains(t, err, c.want)
		require.ErrorIs(t, err, c.err)
	}
	require.ErrorContains(t, refusedPOSIX(POSIXLimits{}, 10, 64, unix.ENOSPC), "allows, 0; raise it with `sysctl -w fs.mqueue.queues_max=1`")
	real, err := ReadSysVLimits()
	require.NoError(t, err)
	require.Positive(t, real.MessageSize)
	require.Positive(t, real.QueueBytes)
	require.Positive(t, real.Queues)
}

func TestRefusals_NameTheUsersLimitWhereAPrivilegeDidNotHelp(t *testing.T) {
	l := POSIXLimits{Messages: 10, MessageSize: 8192, Privileged: true}
	require.ErrorContains(t, refusedPOSIX(l, 20, 64, unix.EINVAL), ", but fs.mqueue.msg_max is 10;")
	require.ErrorContains(t, refusedPOSIX(l, 70000, 64, unix.EINVAL), "the kernel's own limit beyond fs.mqueue.msg_max is 65536;")
	require.Equal(t, unix.EINVAL, refusedPOSIX(l, 10, 64, unix.EINVAL), "something else was invalid")
}

func TestAHugePOSIXQueue_IsRefusedWithTheReason(t *testing.T) {
	if _, err := ReadPOSIXLimits(); err != nil {
		t.Skip(err)
	}
	_, err := CreatePOSIX(fmt.Sprintf("shmpipe-test-%d-huge", os.Getpid()), 60000, 1<<20, 0o600)
	require.ErrorContains(t, err, "raise it with")
}

func TestTheDescriptorToWaitWith_IsGivenUpWhileNobodyWaits(t *testing.T) {
	q, buf, w := kinds["posix"](t), make([]byte, 1<<16), NewWaiter()
	held := func() bool {
		q.posix.in.mu.Lock()
		defer q.posix.in.mu.Unlock()
		return q.posix.in.file != nil
	}
	waitOnce := func() {
		done := make(chan error, 1)
		go func() {
			_, err := q.Receive(w, buf)
			done <- err
		}()
		for !held() {
			time.Sleep(time.Millisecond)
		}
		require.NoError(t, again(t, q).TrySend([]byte("x")))
		require.NoError(t, within(t, done))
	}
	for range 3 {
		require.False(t, held())
		waitOnce()
		for range parkedFor {
			require.True(t, held(), "the next wait may be soon")
			require.NoError(t, q.TrySend([]byte("x")))
			_, err := q.TryReceive(buf)
			require.NoError(t, err)
			_, err = q.TryReceive(buf)
			require.Equal(t, ErrEmpty, err)
		}
		require.NoError(t, q.TrySend([]byte("x")))
		_, err := q.Receive(w, buf)
		require.NoError(t, err)
	}
}

// What repeats an interruption, in case that it came too early, must not find the next wait.
func TestInterrupt_EndsOneWaitAndNotTheNext(t *testing.T) {
	forEach(t, func(t *testing.T, q *Queue) {
		w, buf := NewWaiter(), make([]byte, 1<<16)
		receive := func() <-chan error {
			done := make(chan error, 1)
			go func() {
				_, err := q.Receive(w, buf)
				done <- err
			}()
			return done
		}
		for range 5 {
			first := receive()
			time.Sleep(3 * time.Millisecond)
			w.Interrupt()
			require.Equal(t, ErrInterrupted, within(t, first))
			w.Reset()
			second := receive()
			select {
			case err := <-second:
				t.Fatalf("the second wait ended with %v", err)
			case <-time.After(20 * time.Millisecond):
			}
			require.False(t, w.again(), "nobody repeats it")
			require.NoError(t, again(t, q).TrySend([]byte("x")))
			require.NoError(t, within(t, second))
		}
	})
}

// A queue without a name could not be found again.
func TestCreateSysV_LeavesNothingBehindWhenItFails(t *testing.T) {
	var old unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
	defer func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old)) }()
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: old.Max})) // so the limits cannot be read
	key := int32(rand.Uint32() | 1)
	_, err := CreateSysV(key, 1000, 0o600)
	require.Error(t, err)
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old))
	_, err = OpenSysV(key)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestAWait_NeedsNoFurtherDescriptor(t *testing.T) {
	q, buf, w := kinds["posix"](t), make([]byte, 1<<16), NewWaiter()
	other := again(t, q)
	var old unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &old))
	defer func() { require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &old)) }()
	require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: old.Max})) // standard input and so on, which are open
	done := make(chan error, 1)
	receive := func() {
		_, err := q.Receive(w, buf)
		done <- err
	}
	go receive()
	time.Sleep(5 * time.Millisecond)
	require.NoError(t, other.TrySend([]byte("x")))
	require.NoError(t, within(t, done))
	go receive()
	w.Interrupt()
	require.Equal(t, ErrInterrupted, within(t, done))
	w.Reset()
	go receive()
	time.Sleep(5 * time.Millisecond)
	require.NoError(t, q.Close())
	require.ErrorIs(t, within(t, done), os.ErrClosed)
}

func TestWait_LeavesTheMessage(t *testing.T) {
	forEach(t, func(t *testing.T, q *Queue) {
		w := NewWaiter()
		for range 50 {
			done := make(chan error, 1)
			go func() { done <- q.Wait(w) }()
			time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
			require.NoError(t, again(t, q).TrySend([]byte("message")))
			require.NoError(t, within(t, done))
			require.NoError(t, q.Wait(w))
			buf := make([]byte, 1<<16)
			n, err := q.TryReceive(buf)
			require.NoError(t, err)
			require.Equal(t, "message", string(buf[:n]))
		}
		w.Interrupt()
		require.Equal(t, ErrInterrupted, q.Wait(w))
	})
}
