package conformance

import (
	"context"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// moment is long enough for a waiter to be asleep, most likely. Nothing depends on it but how sharp a test is.
const moment = 20 * time.Millisecond

func TestTry_DoesNotWait(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		_, err := c.TryReceive(make([]byte, 10))
		require.Equal(t, shmpipe.ErrEmpty, err)
		_, err = c.TryNext()
		require.Equal(t, shmpipe.ErrEmpty, err)
		_, err = c.TryPoll(1, func([]byte) error { return nil })
		require.Equal(t, shmpipe.ErrEmpty, err)
		sent := fill(t, p)
		n, err := p.TrySendBatch([][]byte{make([]byte, 1000), make([]byte, 1000)})
		require.Zero(t, n)
		require.Equal(t, shmpipe.ErrFull, err)
		expect(t, c, sent...)
	})
}

func TestReceive_SleepsUntilAMessageComes(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		done := make(chan error, 1)
		for range 20 {
			go func() {
				time.Sleep(time.Millisecond)
				done <- p.Send(soon(t), []byte("late"))
			}()
			expect(t, c, "late")
			require.NoError(t, <-done) // the message may be here before Send has returned, and an end is for one at a time
		}
	})
}

func TestSend_SleepsUntilThereIsSpace(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		for range 10 {
			sent := fill(t, p)
			done := make(chan error, 1)
			go func() { done <- p.Send(soon(t), pattern(1000, 77)) }()
			time.Sleep(time.Millisecond)
			expect(t, c, append(sent, string(pattern(1000, 77)))...)
			require.NoError(t, <-done)
		}
	})
}

func TestCancel_EndsAWaitAndNothingIsLost(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		for _, after := range []time.Duration{0, moment} {
			short, cancel := context.WithCancel(context.Background())
			time.AfterFunc(after, cancel)
			_, err := c.Receive(short, make([]byte, 10))
			require.Equal(t, context.Canceled, err)
		}
		sent := fill(t, p)
		short, cancel := context.WithTimeout(context.Background(), moment)
		defer cancel()
		require.ErrorIs(t, p.Send(short, pattern(1000, 1)), context.DeadlineExceeded)
		n, err := p.SendBatch(short, [][]byte{pattern(1000, 1)})
		require.Zero(t, n)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		expect(t, c, sent...)
		send(t, p, "after")
		expect(t, c, "after")
	})
}

func TestClose_EndsWaits(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		_, c := s.ends(t)
		received := make(chan error, 1)
		go func() {
			_, err := c.Receive(context.Background(), make([]byte, 10))
			received <- err
		}()
		time.Sleep(moment)
		require.NoError(t, c.Close())
		require.Equal(t, shmpipe.ErrClosed, <-received)
		_, err := c.TryReceive(nil)
		require.Equal(t, shmpipe.ErrClosed, err)
		require.NoError(t, c.Close())

		pipe, _ := s.pipe(t, shmpipe.Options{})
		p := producer(t, pipe)
		fill(t, p)
		sent := make(chan error, 1)
		go func() { sent <- p.Send(context.Background(), make([]byte, 1000)) }()
		time.Sleep(moment)
		require.NoError(t, p.Close())
		require.Equal(t, shmpipe.ErrClosed, <-sent)
		require.Equal(t, shmpipe.ErrClosed, p.TrySend(nil))
	})
}

func TestEndOfStream_ComesBehindTheLastMessage(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		send(t, p, "a", "b")
		require.NoError(t, p.Close())
		expect(t, c, "a", "b")
		for range 2 {
			_, err := c.Receive(soon(t), nil)
			require.Equal(t, io.EOF, err)
			_, err = c.TryReceive(nil)
			require.Equal(t, io.EOF, err)
		}
	})
}

func TestEndOfStream_WakesWhoSleeps(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		done := make(chan error, 1)
		go func() {
			_, err := c.Receive(soon(t), nil)
			done <- err
		}()
		time.Sleep(moment)
		require.NoError(t, p.Close())
		require.Equal(t, io.EOF, <-done)
	})
}

func TestTheConsumersClose_IsToldToTheProducer(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		fill(t, p)
		done := make(chan error, 1)
		go func() { done <- p.Send(soon(t), make([]byte, 1000)) }()
		time.Sleep(moment)
		require.NoError(t, c.Close())
		require.Equal(t, shmpipe.ErrPeerClosed, <-done)
	})
}

func TestDrain_WaitsForTheConsumer(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		require.NoError(t, p.Drain(soon(t)), "nothing was sent")
		send(t, p, "a", "b")
		short, cancel := context.WithTimeout(context.Background(), moment)
		defer cancel()
		require.ErrorIs(t, p.Drain(short), context.DeadlineExceeded)
		done := make(chan error, 1)
		go func() { done <- p.Drain(soon(t)) }()
		expect(t, c, "a", "b")
		_, err := c.TryReceive(nil) // which finishes the last one
		require.Equal(t, shmpipe.ErrEmpty, err)
		require.NoError(t, <-done)
	})
}

func TestFollow_OutlastsThePeer(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, name := s.pipe(t, shmpipe.Options{})
		follower := s.open(t, name, shmpipe.Options{Follow: true})
		c := consumer(t, follower)
		for _, text := range []string{"first", "second"} {
			p := producer(t, pipe)
			send(t, p, text)
			require.NoError(t, p.Close())
			expect(t, c, text)
			_, err := c.TryReceive(nil)
			require.Equal(t, shmpipe.ErrEmpty, err)
		}
	})
}

func TestNothingLeaks(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, name := s.pipe(t, shmpipe.Options{})
		warm := func() {
			again := s.open(t, name, shmpipe.Options{})
			p, c := producer(t, again), consumer(t, again)
			send(t, p, "x")
			expect(t, c, "x")
			require.NoError(t, p.Close())
			require.NoError(t, c.Close())
			require.NoError(t, again.Close())
		}
		warm()
		before := held(t)
		for range 20 {
			warm()
		}
		shmtest.Eventually(t, "descriptors and goroutines are given back", func() bool {
			now := held(t)
			return now.descriptors <= before.descriptors && now.goroutines <= before.goroutines
		})
		require.NoError(t, pipe.Close())
	})
}

type holding struct{ descriptors, goroutines int }

func held(t *testing.T) holding {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return holding{len(fds), runtime.NumGoroutine()}
}
