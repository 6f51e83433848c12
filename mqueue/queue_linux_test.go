package mqueue

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe/internal/mq"
	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

func TestSizes_AroundAQueuesOwnMessage(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, _ := made(t, k, Geometry{MaxMessage: 100_000})
		s, r := sender(t, q), receiver(t, q)
		chunk := q.state.head.chunk()
		for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 2 * chunk, 2*chunk + 1, 99_999, 100_000} {
			want := make([]byte, size)
			for i := range want {
				want[i] = byte(i * 31)
			}
			done := make(chan error, 1)
			go func() { done <- s.Send(soon(t), want, 5) }()
			expect(t, r, want)
			require.NoError(t, <-done)
		}
		require.Equal(t, protocol.ErrTooLarge, s.Send(noWait, make([]byte, 100_001), 0))
	})
}

func TestTrySend_OfManyPartsSendsAllOrNothing(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, _ := made(t, k, Geometry{MaxMessage: 1 << 20, Capacity: 4096})
		s, r := sender(t, q), receiver(t, q)
		chunk := q.state.head.chunk()
		two := make([]byte, chunk+1)
		sent := 0
		for ; ; sent++ {
			if err := s.Send(noWait, two, 0); err != nil {
				require.Equal(t, protocol.ErrFull, err)
				break
			}
		}
		require.Positive(t, sent)
		for range sent {
			expect(t, r, two)
		}
		_, _, _, err := r.Next(noWait)
		require.Equal(t, protocol.ErrEmpty, err)
		require.Equal(t, protocol.ErrFull, s.Send(noWait, make([]byte, 1<<20), 0), "it takes more than the queue holds")
		require.Zero(t, r.counter.Dropped)
	})
}

func TestCancel_InTheMiddleOfAMessageDeliversNothingOfIt(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		for _, mode := range []protocol.Mode{protocol.SPSC, protocol.MPMC} {
			q, _ := made(t, k, Geometry{Mode: mode, MaxMessage: 1 << 20, Capacity: 4096})
			s, r := sender(t, q), receiver(t, q)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
			require.ErrorIs(t, s.Send(ctx, make([]byte, 1<<20), 0), context.DeadlineExceeded)
			cancel()
			done := make(chan error, 1)
			go func() { done <- s.Send(soon(t), []byte("after"), 0) }()
			expect(t, r, []byte("after"))
			require.NoError(t, <-done)
			require.EqualValues(t, 1, r.counter.Dropped)
		}
	})
}

func TestASenderKilledInTheMiddle_LosesOnlyThatMessage(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		for _, mode := range []protocol.Mode{protocol.SPSC, protocol.MPMC} {
			const most = 60_000
			q, name := made(t, k, Geometry{Mode: mode, MaxMessage: 1 << 16})
			random := shmtest.Rand(t)
			r, err := q.Receiver(EndOptions{Follow: true})
			require.NoError(t, err)
			last := -1
			for life := range 5 {
				child := shmtest.Child(t, "send", k.String(), name, "1", fmt.Sprint((life+1)*1_000_000%(1<<24)), "1000000", fmt.Sprint(most))
				child.Expect("sending")
				for n := random.IntN(200); n >= 0; n-- {
					b, _, _, err := r.Next(soon(t))
					require.NoError(t, err)
					_, seq, ok := readNumbered(b, most)
					require.True(t, ok, "torn")
					require.Greater(t, seq, last)
					last = seq
				}
				child.Kill()
			}
			s := sender(t, q)
			done := make(chan error, 1)
			go func() { done <- s.Send(soon(t), []byte("the last one"), 0) }()
			for {
				b, _, _, err := r.Next(soon(t))
				require.NoError(t, err)
				if string(b) == "the last one" {
					break
				}
				_, _, ok := readNumbered(b, most)
				require.True(t, ok, "torn")
			}
			require.NoError(t, <-done)
			require.NoError(t, r.Close())
		}
	})
}

func TestManyOfEach_InProcessesOfTheirOwn(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		for _, most := range []int{500, 40_000} {
			const senders, receivers, n = 3, 3, 150
			q, name := made(t, k, Geometry{Mode: protocol.MPMC, MaxMessage: most + 8})
			require.Equal(t, most > 10_000, q.state.head.turns())
			var all []*shmtest.Process
			for range receivers {
				all = append(all, shmtest.Child(t, "receive", k.String(), name, fmt.Sprint(senders), fmt.Sprint(most)))
			}
			for i := range senders {
				shmtest.Child(t, "send", k.String(), name, fmt.Sprint(i), "0", fmt.Sprint(n), fmt.Sprint(most)).Expect("sending")
			}
			seen := map[string]int{}
			for _, p := range all {
				last := map[string]int{}
				for line := p.Line(); line != "end EOF"; line = p.Line() {
					require.NotContains(t, line, "end")
					who, number, _ := strings.Cut(line, " ")
					var seq int
					_, err := fmt.Sscan(number, &seq)
					require.NoError(t, err)
					if before, ok := last[who]; ok {
						require.Greater(t, seq, before, "order")
					}
					last[who] = seq
					seen[line]++
				}
				p.Wait()
			}
			require.Len(t, seen, senders*n)
			for line, times := range seen {
				require.Equal(t, 1, times, line)
			}
			sent, received, err := q.Totals()
			require.NoError(t, err)
			require.EqualValues(t, senders*n, sent.Messages)
			require.EqualValues(t, senders*n, received.Messages)
		}
	})
}

func TestWhatAReceiverLeavesOver_GoesToAnother(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, _ := made(t, k, Geometry{Mode: protocol.MPMC, MaxMessage: 100_000})
		s, r, other := sender(t, q), receiver(t, q), receiver(t, q)
		large := numbered(1, 1, 50_000)
		done := make(chan error, 1)
		go func() { done <- s.Send(soon(t), large, 3) }()
		expect(t, r, large)
		require.NoError(t, <-done)
		r.Return()
		expect(t, r, large)
		r.Return()
		got := make(chan error, 1)
		go func() {
			b, typ, again, err := other.Next(soon(t)) // asleep, until it is told
			if err == nil && (string(b) != string(large) || typ != 3 || !again) {
				err = fmt.Errorf("got %d bytes of type %d, redelivered %v", len(b), typ, again)
			}
			got <- err
		}()
		time.Sleep(5 * time.Millisecond)
		require.NoError(t, r.Close())
		require.NoError(t, <-got)
		v, err := q.state.state()
		require.NoError(t, err)
		require.Zero(t, v.leftovers)
		require.Zero(t, v.leftoverBytes)
	})
}

func TestAReceiverThatClosesInTheMiddle_LeavesTheBeginning(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		for _, mode := range []protocol.Mode{protocol.SPSC, protocol.MPMC} {
			q, _ := made(t, k, Geometry{Mode: mode, MaxMessage: 1 << 20, Capacity: 4096})
			s, r := sender(t, q), receiver(t, q)
			want := numbered(2, 3, 1<<19)
			done := make(chan error, 1)
			go func() { done <- s.Send(soon(t), want, 0) }()
			for !r.partial { // a part at a time
				_, _, _, err := r.Next(noWait)
				require.True(t, err == protocol.ErrEmpty || err == nil, "got %v", err)
				if err == nil {
					require.NoError(t, <-done)
					t.Skip("the message came whole")
				}
			}
			require.NoError(t, r.Close())
			// The sender sees that nobody is there only if it looks before the successor comes.
			r = receiver(t, q)
			got := make(chan []byte, 1)
			go func() {
				b, _, _, err := r.Next(soon(t))
				if err != nil {
					b = []byte(err.Error())
				}
				got <- b
			}()
			if err := <-done; err != nil {
				require.Equal(t, protocol.ErrPeerClosed, err)
				r.Interrupt()
				require.Equal(t, protocol.ErrClosed.Error(), string(<-got))
				continue
			}
			require.True(t, bytes.Equal(want, <-got))
		}
	})
}

// A write would wake everyone who waits, and each of them would look, and write, again.
func TestABeginningThatIsLeftOver_IsLookedAtWithoutAWrite(t *testing.T) {
	q, _ := made(t, SysV, Geometry{Mode: protocol.MPMC, MaxMessage: 1 << 20})
	sender(t, q)
	r := receiver(t, q)
	require.NoError(t, q.state.pushLeftover(leftover{fragment: fragment{sender: 1, number: 1, total: 9}, payload: []byte("beginning"), partial: true}))
	written := func() unix.Timespec {
		var st unix.Stat_t
		require.NoError(t, unix.Fstat(q.state.fd, &st))
		return st.Mtim
	}
	before := written()
	time.Sleep(20 * time.Millisecond) // longer than the granularity of the time of a write
	r.stale.Store(true)
	_, _, _, err := r.Next(noWait)
	require.Equal(t, protocol.ErrEmpty, err)
	require.Equal(t, before, written())
	v, err := q.state.state()
	require.NoError(t, err)
	require.Zero(t, v.leftovers, "whole ones")
	require.Positive(t, v.leftoverBytes)
}

func TestWithoutInotify_ATimerTells(t *testing.T) {
	forceTimer = true
	defer func() { forceTimer = false }()
	forEach(t, func(t *testing.T, k Kind) {
		q, name := made(t, k, Geometry{})
		r := receiver(t, q)
		require.False(t, hubOf.tells())
		child := shmtest.Child(t, "send", k.String(), name, "1", "0", "1", "100")
		b, _, _, err := r.Next(soon(t))
		require.NoError(t, err)
		require.NotEmpty(t, b)
		_, _, _, err = r.Next(soon(t))
		require.Equal(t, io.EOF, err)
		child.Wait()
	})
}

func TestCreate_OfManyAtOnceMakesOne(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		if _, err := mq.ReadPOSIXLimits(); err != nil && k == POSIX {
			t.Skip(err)
		}
		name := shmtest.TempName(t)
		t.Cleanup(func() { _ = Remove(k, name, Options{}, true) })
		var all []*shmtest.Process
		for range 6 {
			all = append(all, shmtest.Child(t, "create", k.String(), name))
		}
		made := 0
		for _, p := range all {
			if p.Line() == "made" {
				made++
			}
		}
		require.Equal(t, 1, made)
	})
}

// statePath is where the state file is.
func statePath(q *Queue) string { return q.state.path }

func TestRemainsOfAKilledCreator_AreCleared(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, name := made(t, k, Geometry{})
		v, err := q.state.state()
		require.NoError(t, err)
		v.state, v.id = stateMaking, 0 // as if it had died before the last step
		require.NoError(t, q.state.setState(v))
		_, err = Open(k, name, Options{})
		require.ErrorIs(t, err, protocol.ErrNotReady)
		list, err := List(k, Options{})
		require.NoError(t, err)
		for _, e := range list {
			if e.Name == name {
				require.ErrorIs(t, e.Err, protocol.ErrNotReady)
			}
		}
		again, err := Create(k, name, Geometry{}, Options{})
		require.NoError(t, err)
		defer again.Close()
		require.NotEqual(t, q.state.head.uuid, again.state.head.uuid)
		_, err = q.look.Attr()
		if k == SysV {
			require.ErrorIs(t, err, fs.ErrNotExist, "the old queue is gone")
		}
		_, err = mq.OpenPOSIX(q.state.head.queueName(), false)
		require.Error(t, err)
	})
}

func TestAQueueThatWasTakenAwayBehindOurBack_IsSaid(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, name := made(t, k, Geometry{})
		require.NoError(t, q.look.Remove())
		_, err := Open(k, name, Options{})
		require.ErrorIs(t, err, protocol.ErrNotReady)
		require.ErrorContains(t, err, "make it anew")
		_, err = q.Sender(EndOptions{})
		require.Error(t, err)
		require.NoError(t, Remove(k, name, Options{}, false))
	})
}

func TestHostileStateFiles_AreErrors(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		dir := shmtest.Dir(t)
		path := filepath.Join(dir, stateName(k, "x"))
		o := Options{Dir: dir}
		for what, lay := range map[string]func() error{
			"a link":      func() error { return os.Symlink("/etc/passwd", path) },
			"a directory": func() error { return os.Mkdir(path, 0o700) },
			"a fifo":      func() error { return unix.Mkfifo(path, 0o600) },
			"empty":       func() error { return os.WriteFile(path, nil, 0o600) },
			"other":       func() error { return os.WriteFile(path, make([]byte, 10000), 0o600) },
		} {
			require.NoError(t, lay(), what)
			_, err := Open(k, "x", o)
			require.ErrorIs(t, err, protocol.ErrNotSegment, what)
			_, err = Create(k, "x", Geometry{}, o)
			require.Error(t, err, what)
			list, err := List(k, o)
			require.NoError(t, err, what)
			require.Len(t, list, 1, what)
			require.Error(t, list[0].Err, what)
			require.NoError(t, os.Remove(path), what)
		}
		for _, bad := range []string{"", "a/b", "../x", "a\x00b", strings.Repeat("x", 300)} {
			_, err := Create(k, bad, Geometry{}, o)
			require.ErrorIs(t, err, fs.ErrInvalid)
			_, err = Open(k, bad, o)
			require.ErrorIs(t, err, fs.ErrInvalid)
			require.ErrorIs(t, Remove(k, bad, o, true), fs.ErrInvalid)
		}
	})
}

func TestGarbageInTheQueue_IsAnErrorAndThenGoesOn(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, _ := made(t, k, Geometry{MaxMessage: 100_000})
		s, r := sender(t, q), receiver(t, q)
		random := rand.New(rand.NewPCG(shmtest.Seed(t), 0))
		for range 200 {
			b := make([]byte, random.IntN(64))
			for i := range b {
				b[i] = byte(random.Uint32())
			}
			if len(b) > 0 && random.IntN(2) == 0 {
				b[0] = fragmentVersion
			}
			require.NoError(t, q.look.TrySend(b))
			_, _, _, err := r.Next(noWait)
			if err != nil && err != protocol.ErrEmpty {
				require.ErrorIs(t, err, protocol.ErrCorrupt)
			}
		}
		require.NoError(t, s.Send(noWait, []byte("sound"), 0))
		expect(t, r, []byte("sound"))
	})
}

func TestHostileTablesAndLeftovers_DoNoHarm(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		random := rand.New(rand.NewPCG(shmtest.Seed(t), 0))
		for range 50 {
			q, name := made(t, k, Geometry{Mode: protocol.MPMC})
			require.NoError(t, q.state.pushLeftover(leftover{payload: []byte("left")}))
			f, err := os.OpenFile(statePath(q), os.O_RDWR, 0)
			require.NoError(t, err)
			for range 20 {
				at := []int64{offID + random.Int64N(stateSize-offID), offTable + random.Int64N(4*entrySize), offRemainder + random.Int64N(40)}[random.IntN(3)]
				_, err := f.WriteAt([]byte{byte(random.Uint32())}, at)
				require.NoError(t, err)
			}
			require.NoError(t, f.Close())
			if again, err := Open(k, name, Options{}); err == nil { // of System V, the identifier may be another one now
				if r, err := again.Receiver(EndOptions{}); err == nil {
					_, _, _, _ = r.Next(noWait) // whatever it says
					_ = r.Close()
				}
				_, _ = again.Info()
				_, _, _ = again.Totals()
				require.NoError(t, again.Close())
			}
			require.NoError(t, q.Close())
			_ = q.look.Remove()
			_ = Remove(k, name, Options{}, true)
		}
	})
}

func TestOwnership_IsChecked(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	forEach(t, func(t *testing.T, k Kind) {
		q, name := made(t, k, Geometry{})
		require.NoError(t, os.Chown(statePath(q), 65534, 65534))
		_, err := Open(k, name, Options{})
		require.ErrorIs(t, err, fs.ErrPermission)
		again, err := Open(k, name, Options{AllowOtherOwner: true})
		require.NoError(t, err)
		require.NoError(t, again.Close())
		require.NoError(t, os.Chown(statePath(q), 0, 0))
		st, err := os.Stat(statePath(q))
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o600), st.Mode())
	})
}

func TestAStoppedParticipant_KeepsItsPlaceAndOthersFromRemoval(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, name := made(t, k, Geometry{MaxMessage: 100})
		child := shmtest.Child(t, "send", k.String(), name, "1", "0", "100000", "50")
		child.Expect("sending")
		child.Stop()
		dead, err := q.Reap()
		require.NoError(t, err)
		require.Zero(t, dead)
		require.ErrorIs(t, Remove(k, name, Options{}, false), protocol.ErrBusy)
		child.Signal(syscall.SIGCONT)
		child.Kill()
		shmtest.Eventually(t, "the death is proved", func() bool {
			_, _ = q.Reap()
			info, err := q.Info()
			require.NoError(t, err)
			return info.Who[0].State == "died"
		})
		require.NoError(t, Remove(k, name, Options{}, false))
	})
}

func TestNothingIsAllocatedForAMessageOfOnePart(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		q, _ := made(t, k, Geometry{})
		s, r := sender(t, q), receiver(t, q)
		msg, ctx := make([]byte, 100), context.Background()
		require.Zero(t, testing.AllocsPerRun(200, func() {
			if s.Send(ctx, msg, 0) != nil {
				t.Fatal("not sent")
			}
			if _, _, _, err := r.Next(ctx); err != nil {
				t.Fatal(err)
			}
		}))
	})
}

func TestLimits_AreSaidWhereTheyCutWhatWasAskedFor(t *testing.T) {
	l := mq.POSIXLimits{Messages: 10, MessageSize: 8192, Queues: 256, Bytes: 819200}
	h := &header{maxMessage: 1 << 20}
	planPOSIX(h, l, 4<<20)
	require.Equal(t, 10, h.messages)
	require.Equal(t, 8192, h.messageSize)
	require.Contains(t, h.why, "capacity 81920 of 4194304 bytes: fs.mqueue.msg_max is 10")
	l.Bytes = 30_000
	h = &header{maxMessage: 1 << 20}
	planPOSIX(h, l, 4<<20)
	require.Equal(t, 3, h.messages)
	l.Bytes = 819200
	h = &header{maxMessage: 100}
	planPOSIX(h, l, 1000)
	require.Equal(t, 124, h.messageSize)
	require.Equal(t, 8, h.messages)
	h = &header{maxMessage: 1 << 20}
	require.NoError(t, planSysV(h, mq.SysVLimits{MessageSize: 8192, QueueBytes: 16384, Queues: 10}, 4<<20))
	require.Equal(t, 16384, h.capacity)
	require.Equal(t, 8192, h.messageSize)
	require.Contains(t, h.why, "kernel.msgmnb is 16384")
	require.ErrorContains(t, planSysV(h, mq.SysVLimits{MessageSize: 24, QueueBytes: 16384, Queues: 10}, 4<<20), "kernel.msgmax is 24, and the part of a message takes at least 25 bytes; raise it with")
}

// Who takes part is read without the table's lock, so what is written must be right after each write.
func TestAReceiverThatWatchesASenderCome_DoesNotTakeThatForTheEnd(t *testing.T) {
	forEach(t, func(t *testing.T, k Kind) {
		for range 150 {
			q, _ := made(t, k, Geometry{Capacity: 4096, MaxMessage: 100})
			r := receiver(t, q)
			done := make(chan error, 1)
			go func() {
				s, err := q.Sender(EndOptions{})
				if err == nil {
					err = s.Send(context.Background(), []byte("x"), 0)
				}
				if err == nil {
					err = s.Close()
				}
				done <- err
			}()
			for err := protocol.ErrEmpty; err == protocol.ErrEmpty; {
				r.stale.Store(true) // look at the table each time
				var b []byte
				if b, _, _, err = r.Next(noWait); err == nil {
					require.Equal(t, "x", string(b))
				} else {
					require.Equal(t, protocol.ErrEmpty, err)
				}
			}
			require.NoError(t, <-done)
			require.NoError(t, r.Close())
			require.NoError(t, q.Close())
			require.NoError(t, Remove(k, q.state.head.name, Options{}, true))
		}
	})
}
