//go:build linux

package shmpipe_test

import (
	"context"
	"errors"
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// roleEcho sends back what it receives: from ring 0 to ring 1.
func roleEcho(args []string) error {
	w, err := shmpipe.ParseWaitStrategy(args[1])
	if err != nil {
		return err
	}
	p, err := shmpipe.Open(args[0], &shmpipe.Options{Wait: w})
	if err != nil {
		return err
	}
	from, err := p.ConsumerOf(0)
	if err != nil {
		return err
	}
	to, err := p.ProducerOf(1)
	if err != nil {
		return err
	}
	shmtest.Say("echoing")
	buf := make([]byte, 100)
	for {
		n, err := from.Receive(ctx, buf)
		if err == io.EOF {
			return errors.Join(to.Close(), from.Close(), p.Close())
		}
		if err == nil {
			err = to.Send(ctx, buf[:n])
		}
		if err != nil {
			return err
		}
	}
}

// pingPong makes round trips to another process, and returns the longest.
func pingPong(t *testing.T, w shmpipe.WaitStrategy, rounds int, pause func(i int)) (longest time.Duration) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096, Rings: 2}, shmpipe.Options{Wait: w})
	child := shmtest.Child(t, "echo", name(t, pipe), w.String())
	child.Expect("echoing")
	to, err := pipe.ProducerOf(0)
	require.NoError(t, err)
	from, err := pipe.ConsumerOf(1)
	require.NoError(t, err)
	stop, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	buf := make([]byte, 100)
	start := time.Now()
	for i := range rounds {
		pause(i)
		began := time.Now()
		require.NoError(t, to.Send(stop, strconv.AppendInt(buf[:0], int64(i), 10)), "round trip %d", i)
		n, err := from.Receive(stop, buf)
		require.NoError(t, err, "round trip %d", i)
		require.Equal(t, strconv.Itoa(i), string(buf[:n]))
		longest = max(longest, time.Since(began))
	}
	elapsed := time.Since(start)
	require.NoError(t, to.Close())
	child.Wait()
	_, err = from.Receive(ctx, buf)
	require.Equal(t, io.EOF, err)
	require.NoError(t, from.Close())
	there, err := pipe.StatsOf(0)
	require.NoError(t, err)
	back, err := pipe.StatsOf(1)
	require.NoError(t, err)
	t.Logf("%v: %d round trips, %v each, longest %v; consumers slept %d and %d times, and were woken %d and %d times",
		w, rounds, elapsed/time.Duration(rounds), longest, there.ConsumerParks, back.ConsumerParks, there.ProducerWakes, back.ProducerWakes)
	return longest
}

// A wake-up that is lost costs the time after which a sleep ends by itself; nothing else takes nearly as long.
const asLongAsALostWakeUp = shmpipe.LongestSleep * 3 / 4

func TestWakeUp_NoneIsLostInAHundredThousandRoundTrips(t *testing.T) {
	for _, w := range []shmpipe.WaitStrategy{shmpipe.WaitBlock, shmpipe.WaitAdaptive} {
		require.Less(t, pingPong(t, w, scale(100_000), func(int) {}), asLongAsALostWakeUp)
	}
}

// The moment of falling asleep is the dangerous one, so messages are sent about when the other side does.
func TestWakeUp_NoneIsLostWhileFallingAsleep(t *testing.T) {
	random := shmtest.Rand(t)
	require.Less(t, pingPong(t, shmpipe.WaitAdaptive, scale(20_000), func(int) {
		for end := time.Now().Add(time.Duration(random.IntN(150)) * time.Microsecond); time.Now().Before(end); {
		}
	}), asLongAsALostWakeUp)
}

// The same for a producer that waits for space, and for both at once: a ring that holds four messages.
func TestWakeUp_NoneIsLostOnAFullRing(t *testing.T) {
	for _, w := range []shmpipe.WaitStrategy{shmpipe.WaitBlock, shmpipe.WaitAdaptive} {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Wait: w})
		child := shmtest.Child(t, "receive-many", name(t, pipe), w.String())
		child.Expect("receiving")
		p := producer(t, pipe)
		stop, cancel := context.WithTimeout(ctx, 60*time.Second)
		defer cancel()
		messages := scale(100_000)
		msg := make([]byte, 1000)
		longest := time.Duration(0)
		for range messages {
			began := time.Now()
			require.NoError(t, p.Send(stop, msg))
			longest = max(longest, time.Since(began))
		}
		require.NoError(t, p.Close())
		child.Expect("received " + strconv.Itoa(messages))
		child.Wait()
		t.Logf("%v: longest %v; %v", w, longest, stats(t, pipe))
		require.Less(t, longest, asLongAsALostWakeUp)
	}
}

// Without futex_waitv, membarrier and pidfd, other ways are taken; all of it must hold there too.
func TestSandbox_EverythingWorksWithoutTheNewerSystemCalls(t *testing.T) {
	tests := "^(TestWakeUp|TestContext|TestClose|TestCrash|TestProducers|TestFollow|TestDrain|TestRole_OfAS)"
	if testing.Short() {
		tests = "^(TestWakeUp|TestContext|TestCrash_Wakes)" // where the ways part
	}
	shmtest.InSandbox(t, tests)
}

// The two kinds may meet.
func TestSandbox_APeerInsideAndOneOutsideWakeEachOther(t *testing.T) {
	shmtest.NeedSandbox(t)
	for _, w := range []shmpipe.WaitStrategy{shmpipe.WaitBlock, shmpipe.WaitAdaptive} {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096, Rings: 2}, shmpipe.Options{Wait: w})
		cmd := shmtest.Command(t, "echo", name(t, pipe), w.String())
		cmd.Env = append(cmd.Env, shmtest.SandboxVariable+"=1")
		child := shmtest.Start(t, cmd)
		child.Expect("echoing")
		to, err := pipe.ProducerOf(0)
		require.NoError(t, err)
		from, err := pipe.ConsumerOf(1)
		require.NoError(t, err)
		buf := make([]byte, 8)
		for range scale(20_000) {
			began := time.Now()
			require.NoError(t, to.Send(ctx, buf))
			_, err := from.Receive(ctx, buf)
			require.NoError(t, err)
			require.Less(t, time.Since(began), asLongAsALostWakeUp)
		}
		require.NoError(t, to.Close())
		child.Wait()
		require.NoError(t, from.Close())
	}
}

// A consumer that has released the last message and goes about its business leaves a producer in Drain to itself.
func TestWakeUp_NoneIsLostInDrain(t *testing.T) {
	random := shmtest.Rand(t)
	p, c := pair(t, shmpipe.Options{Wait: shmpipe.WaitBlock})
	longest := time.Duration(0)
	turn, failed := make(chan time.Duration), make(chan error, 1)
	go func() {
		defer close(failed)
		for pause := range turn {
			m, err := c.TryNext()
			if err != nil {
				failed <- err
				return
			}
			for end := time.Now().Add(pause); time.Now().Before(end); {
			}
			m.Release()
		}
	}()
	for range scale(20_000) {
		send(t, p, "x")
		turn <- time.Duration(random.IntN(20)) * time.Microsecond
		began := time.Now()
		require.NoError(t, p.Drain(ctx))
		longest = max(longest, time.Since(began))
	}
	close(turn)
	require.NoError(t, <-failed)
	t.Logf("longest %v", longest)
	require.Less(t, longest, asLongAsALostWakeUp)
}
