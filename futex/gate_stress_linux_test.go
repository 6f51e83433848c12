package futex

import (
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rounds of ping-pong. Without a tick, one lost wake-up stops it for ever.
const rounds = 200_000

// await sleeps until *ball is round. The random pauses move the two sides against each other.
func await(ball *uint32, round uint32, g Gate, random *rand.Rand) error {
	for load(ball) != round {
		seq := g.Prepare()
		Pause(random.Uint32N(4))
		if load(ball) == round {
			return nil
		}
		if err := g.Sleep(seq, 0, nil); err != nil {
			return err
		}
	}
	return nil
}

func ping(b *board, n uint32, random *rand.Rand) error {
	for i := uint32(1); i <= n; i++ {
		Pause(random.Uint32N(32))
		store(&b.ping, i)
		b.pingGate().Wake()
		if err := await(&b.pong, i, b.pongGate(), random); err != nil {
			return err
		}
	}
	return nil
}

func pong(b *board, n uint32, random *rand.Rand) error {
	for i := uint32(1); i <= n; i++ {
		if err := await(&b.ping, i, b.pingGate(), random); err != nil {
			return err
		}
		Pause(random.Uint32N(32))
		store(&b.pong, i)
		b.pongGate().Wake()
	}
	return nil
}

// watch fails the test if the progress stops for long: a slow machine is no lost wake-up.
func watch(t *testing.T, done <-chan error, progress func() uint32) {
	t.Helper()
	for before := progress(); ; {
		select {
		case err := <-done:
			require.NoError(t, err)
			return
		case <-time.After(patience):
			now := progress()
			if now == before {
				t.Fatalf("lost wake-up: no progress for %v at %d of %d", patience, now, rounds)
			}
			before = now
		}
	}
}

func TestGate_LosesNoWakeUpBetweenProcesses(t *testing.T) {
	random, seed := seededRand(t)
	b, path := newBoard(t)
	c := startChild(t, "pong", path, seed)
	done := make(chan error, 1)
	go func() { done <- ping(b, rounds, random) }()
	watch(t, done, func() uint32 { return load(&b.pong) })
	c.requireSuccess(t)
}

func TestGate_LosesNoWakeUpBetweenGoroutines(t *testing.T) {
	random, seed := seededRand(t)
	b := new(board)
	done := make(chan error, 2)
	go func() { done <- ping(b, rounds, random) }()
	go func() { done <- pong(b, rounds, newRand(seed+1)) }()
	watch(t, done, func() uint32 { return load(&b.pong) })
	watch(t, done, func() uint32 { return load(&b.pong) })
}

// Several sleepers and several wakers at one gate: each token that is put is taken, or somebody sleeps for ever.
func TestGate_LosesNoWakeUpAmongMany(t *testing.T) {
	const producers, consumers, each = 3, 3, 50_000
	_, seed := seededRand(t)
	var tokens atomic.Int64
	var taken atomic.Uint32
	g, done := heapGate(), make(chan error, producers+consumers)
	take := func(random *rand.Rand) error {
		for {
			if n := tokens.Load(); n > 0 {
				if tokens.CompareAndSwap(n, n-1) {
					return nil
				}
				continue
			}
			seq := g.Prepare()
			Pause(random.Uint32N(8))
			if tokens.Load() > 0 {
				continue
			}
			if err := g.Sleep(seq, 0, nil); err != nil {
				return err
			}
		}
	}
	for i := range uint64(consumers) {
		random := newRand(seed + i)
		go func() {
			for range producers * each / consumers {
				if err := take(random); err != nil {
					done <- err
					return
				}
				taken.Add(1)
			}
			done <- nil
		}()
	}
	for i := range uint64(producers) {
		random := newRand(seed + consumers + i)
		go func() {
			for range each {
				Pause(random.Uint32N(256)) // slow enough for the consumers to sleep often
				tokens.Add(1)
				g.Wake()
			}
			done <- nil
		}()
	}
	for range producers + consumers {
		watch(t, done, taken.Load)
	}
	require.EqualValues(t, producers*each, taken.Load())
	require.Zero(t, tokens.Load())
}
