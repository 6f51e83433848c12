//go:build linux

package crash_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/protocol"
	"shmpipe/segment"
)

func TestScenario_AFullTableSaysHowManyItHolds(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		geo := small
		geo.Participants = 3
		pipe := create(t, geo, b)
		p, c := producer(t, pipe), consumer(t, pipe)
		third := join(t, pipe, "consumer")
		for _, take := range []func() error{
			func() error { _, err := pipe.Producer(); return err },
			func() error { _, err := pipe.Consumer(); return err },
		} {
			err := take()
			require.ErrorIs(t, err, shmpipe.ErrTooManyParticipants)
			require.ErrorContains(t, err, "3")
		}
		third.Kill()
		consumer(t, pipe).Close() // whoever attaches buries the dead, and has the place
		goesOn(t, p, c)
		join(t, pipe, "consumer", "close")
		producer(t, pipe).Close()
	})
}

// Somebody has written garbage into the ring's words. Nobody panics or hangs, and nobody goes on for longer than a lap.
func TestScenario_APoisonedRingIsNotUsed(t *testing.T) {
	pipe := create(t, small, shmpipe.POSIX)
	p, c, sleeper := producer(t, pipe), consumer(t, pipe), consumer(t, pipe)
	slept := make(chan error, 1)
	go func() { _, err := sleeper.Next(soon(t)); slept <- err }()
	time.Sleep(20 * time.Millisecond)

	info, err := pipe.Info()
	require.NoError(t, err)
	seg, err := segment.Open(segment.POSIX, info.Name, segment.Options{})
	require.NoError(t, err)
	r := seg.Header().Rings[0]
	seg.Bytes()[r.Control+protocol.WordsOffset(r.Participants)] = 0xff // a state that there is not
	require.NoError(t, seg.Close())

	_, err = c.TryNext()
	require.ErrorIs(t, err, shmpipe.ErrCorrupt)
	require.ErrorIs(t, <-slept, shmpipe.ErrCorrupt, "who sleeps is woken")
	for range 2 * 16 {
		if err = p.Send(soon(t), []byte("x")); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, shmpipe.ErrCorrupt)
	_, err = p.Claim(soon(t), 10)
	require.ErrorIs(t, err, shmpipe.ErrCorrupt)
	_, err = p.SendBatch(soon(t), [][]byte{{1}, {2}})
	require.ErrorIs(t, err, shmpipe.ErrCorrupt)
	require.True(t, stats(t, pipe).Poisoned)
	for _, take := range []func() error{
		func() error { _, err := pipe.Producer(); return err },
		func() error { _, err := pipe.Consumer(); return err },
	} {
		err := take()
		require.ErrorIs(t, err, shmpipe.ErrCorrupt)
		require.ErrorContains(t, err, "remove the segment")
	}
}

func TestScenario_AConsumerThatClosesWithAMessageInHandLeavesItToAnother(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		pipe := create(t, small, b)
		p, c := producer(t, pipe), consumer(t, pipe)
		leaves := join(t, pipe, "consumer")
		send(t, p, "one", "two")
		require.Equal(t, "one", ask(t, leaves, "take"))
		ask(t, leaves, "close")
		expect(t, c, "one again", "two")
		ask(t, leaves, "release") // too late, and harmless
		goesOn(t, p, c)
	})
}

// A consumer that sleeps learns of a message that another one hands back, though no producer wakes it.
func TestScenario_AMessageHandedBackWakesAConsumer(t *testing.T) {
	pipe := create(t, small, shmpipe.POSIX)
	p := producer(t, pipe)
	leaves := join(t, pipe, "consumer")
	send(t, p, "one")
	require.Equal(t, "one", ask(t, leaves, "take"))
	c := consumer(t, pipe)
	go func() {
		time.Sleep(50 * time.Millisecond)
		leaves.Tell("close")
	}()
	expect(t, c, "one again")
	require.Equal(t, "ok", leaves.Line())
}

func TestScenario_AClaimThatOutlivesCloseSendsNothingAndBlocksNobody(t *testing.T) {
	for _, end := range []func(t *testing.T, c shmpipe.Claim){
		func(t *testing.T, c shmpipe.Claim) { require.ErrorIs(t, c.Commit(3), shmpipe.ErrClosed) },
		func(t *testing.T, c shmpipe.Claim) { c.Abort() },
	} {
		pipe := create(t, small, shmpipe.POSIX)
		leaves, p, c := producer(t, pipe), producer(t, pipe), consumer(t, pipe)
		claim, err := leaves.Claim(soon(t), 10)
		require.NoError(t, err)
		copy(claim.Bytes(), "old")
		require.NoError(t, leaves.Close())
		send(t, p, "new")
		_, err = c.TryNext()
		require.ErrorIs(t, err, shmpipe.ErrEmpty, "the claim is held still")
		end(t, claim)
		expect(t, c, "new")
		goesOn(t, p, c)
		require.ErrorIs(t, leaves.TrySend(nil), shmpipe.ErrClosed)
	}
}

func TestScenario_AMessageBeyondTheLimitIsRefusedAndNothingIsLeftOfIt(t *testing.T) {
	for _, mode := range []shmpipe.Mode{shmpipe.SPSC, shmpipe.MPMC} {
		pipe := create(t, shmpipe.Geometry{Mode: mode, Capacity: 4096, MaxMessage: 1000}, shmpipe.POSIX)
		p, c := producer(t, pipe), consumer(t, pipe)
		require.Equal(t, 1000, p.MaxMessage())
		most, more := strings.Repeat("m", 1000), make([]byte, 1001)
		require.ErrorIs(t, p.TrySend(more), shmpipe.ErrTooLarge)
		require.ErrorIs(t, p.Send(soon(t), more), shmpipe.ErrTooLarge)
		_, err := p.Claim(soon(t), len(more))
		require.ErrorIs(t, err, shmpipe.ErrTooLarge)
		n, err := p.SendBatch(soon(t), [][]byte{[]byte("before"), more, []byte("behind")})
		require.ErrorIs(t, err, shmpipe.ErrTooLarge)
		require.Equal(t, 1, n)
		expect(t, c, "before")
		send(t, p, most)
		expect(t, c, most)
		goesOn(t, p, c)
	}
}

// Everybody is dead. What was sent is there for whoever comes, and what was only claimed is not.
func TestScenario_ANewcomerDrainsWhatTheDeadHaveLeft(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		pipe := create(t, small, b)
		from, claims, to := join(t, pipe, "producer"), join(t, pipe, "producer"), join(t, pipe, "consumer")
		for _, s := range []string{"one", "two", "three"} {
			ask(t, from, "send "+s)
		}
		ask(t, claims, "claim")
		ask(t, from, "send four")
		require.Equal(t, "one", ask(t, to, "take"))
		for _, p := range []interface{ Kill() }{from, claims, to} {
			p.Kill()
		}
		c := consumer(t, pipe)
		expectAll(t, c, "one again", "two", "three", "four")
		s := stats(t, pipe)
		require.EqualValues(t, 3, s.Reaped)
		require.EqualValues(t, 1, s.Abandoned)
		require.EqualValues(t, 1, s.Recovered)
		p := producer(t, pipe)
		goesOn(t, p, c)
		require.NoError(t, p.Close())
		require.NoError(t, c.Close())

		// Who does not outlast others learns that the producers are dead, once there is no more.
		again := open(t, pipe, &shmpipe.Options{Backend: b})
		last := consumer(t, again)
		join(t, pipe, "producer", "send last").Kill()
		expect(t, last, "last")
		_, err := last.Next(soon(t))
		require.ErrorIs(t, err, shmpipe.ErrPeerDied)
	})
}

// open opens the segment of a pipe once more.
func open(t testing.TB, pipe *shmpipe.Pipe, opts *shmpipe.Options) (again *shmpipe.Pipe) {
	t.Helper()
	info, err := pipe.Info()
	require.NoError(t, err)
	if info.Backend == shmpipe.Memfd {
		f, ferr := pipe.File()
		require.NoError(t, ferr)
		defer f.Close()
		again, err = shmpipe.OpenFile(f, opts)
	} else {
		again, err = shmpipe.Open(info.Name, opts)
	}
	require.NoError(t, err)
	t.Cleanup(func() { again.Close() })
	return again
}

// By the policy of dropping, the message that a killed consumer had in hand is lost, and counted; no other.
func TestScenario_ByThePolicyOfDroppingOnlyWhatWasInHandIsLost(t *testing.T) {
	for _, mode := range []shmpipe.Mode{shmpipe.SPSC, shmpipe.MPMC} {
		t.Run(mode.String(), func(t *testing.T) {
			geo := small
			geo.Mode, geo.OnConsumerDeath = mode, shmpipe.Drop
			if mode == shmpipe.SPSC {
				geo = shmpipe.Geometry{Capacity: 4096, OnConsumerDeath: shmpipe.Drop}
			}
			pipe := create(t, geo, shmpipe.POSIX)
			p := producer(t, pipe)
			send(t, p, "finished")
			send(t, p, "in hand")
			send(t, p, "behind")
			victim := join(t, pipe, "consumer")
			require.Equal(t, "finished", ask(t, victim, "take"))
			ask(t, victim, "release")
			require.Equal(t, "in hand", ask(t, victim, "take"))
			victim.Kill()
			c := consumer(t, pipe)
			expect(t, c, "behind")
			goesOn(t, p, c)
			s := stats(t, pipe)
			require.EqualValues(t, 1, s.Dropped)
			require.Zero(t, s.Redelivered)
		})
	}
}
