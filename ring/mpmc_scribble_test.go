package ring

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// scribbleCrowd writes one word of the ring, atomically: a random one, or one that is nearly right, so that the others get far before
// they notice.
func scribbleCrowd(m MPMCMemory, rng *rand.Rand) {
	granules := crowdSize(m)
	index := rng.Uint64N(granules)
	word := crowdWord(m, index)
	data := func(off uint64) *atomic.Uint64 { return atomicAt(addr(&m.Data[0]), index*m.Granule+off) }
	switch rng.IntN(14) {
	case 0:
		crowdShared(m, protocol.OffMPMCOrphans).Store(rng.Uint64())
	case 1: // not too far: a test that has to walk for millions of laps does little else
		crowdShared(m, crowdHints[rng.IntN(len(crowdHints))]).Store(rng.Uint64N(9 * granules))
	case 2:
		word.Store(rng.Uint64())
	case 3, 4: // another state, owner and span, in the same lap
		w := protocol.Word(word.Load())
		word.Store(uint64(protocol.NewWord(w.Lap(), rng.Uint64N(granules-index+1), uint8(rng.IntN(7)), uint8(rng.IntN(8)))))
	case 5: // free, in this lap or one that is near
		word.Store(uint64(protocol.FreeWord(protocol.Word(word.Load()).Lap() + rng.Uint32N(5) - 2)))
	case 6:
		word.Store(word.Load() ^ 1<<rng.IntN(64))
	case 7:
		data(8 * rng.Uint64N(3)).Store(rng.Uint64())
	case 8:
		data(0).Store(protocol.FrameHeader(rng.Uint32N(uint32(len(m.Data))), uint16(rng.Uint32()), uint8(rng.IntN(4))))
	case 9:
		data(8).Store(8 * rng.Uint64N(64))
	case 10:
		poisonOf(m).Store(rng.Uint32N(2))
	case 11:
		atomicAt(addr(&m.Control[0]), protocol.OffSpaceGate).Store(rng.Uint64())
	default: // all well again
		moveCrowd(m, rng.Uint64N(8*granules))
		poisonOf(m).Store(0)
	}
}

var crowdHints = []uint64{protocol.OffMPMCTail, protocol.OffMPMCHead, protocol.OffMPMCOrphans}

// Between steps, so that it is no race: what each step finds is as bad as can be all the same.
func TestHostilePeer_ThatScribblesBetweenStepsCannotHarmTheCrowd(t *testing.T) {
	rng := shmtest.Rand(t)
	m := guardedCrowd(t, fewGranules, smallGranule, 1)
	const steps = 100_000
	found := 0
	shmtest.Within(t, 2*shmtest.Patience, "the steps", func() {
		var v *company
		for i := range steps {
			if v == nil || i%200 == 0 {
				poisonOf(m).Store(0)
				v = newcomers(t, m)
				v.cleared = true
			}
			for rng.IntN(4) == 0 {
				scribbleCrowd(m, rng)
			}
			v.step(rng)
			if rng.IntN(50) == 0 {
				v.recover(uint8(rng.IntN(6)))
			}
			for _, p := range v.producers {
				if p.Err() != nil {
					found++
					v = nil // most of them know that it is broken by now
					break
				}
			}
		}
	})
	require.Greater(t, found, steps/1000)
}

// While all run. Endpoints read payload, headers and progress without atomics, so the race detector would end this.
func TestHostilePeer_ThatScribblesEverywhereCannotHarmTheCrowd(t *testing.T) {
	if raceDetector {
		t.Skip("the scribbler races with everything, on purpose")
	}
	seed := shmtest.Seed(t)
	m := guardedCrowd(t, fewGranules, smallGranule, 1)
	crowdAt(m, 0)
	var stop atomic.Bool
	var all sync.WaitGroup
	var broken atomic.Uint64
	run := func(i uint64, f func(rng *rand.Rand)) {
		all.Go(func() {
			rng := shmtest.NewRand(seed + i)
			for !stop.Load() {
				f(rng)
				runtime.Gosched()
			}
		})
	}
	run(1, func(rng *rand.Rand) { scribbleCrowd(m, rng) })
	for slot := range uint8(2) {
		run(uint64(2+slot), func(rng *rand.Rand) {
			v := &company{t: t, m: m, cleared: true}
			p, err := NewMPMCProducer(m, slot)
			for i := 0; i < 1000 && !stop.Load(); i++ {
				if err != nil || p.Err() != nil {
					broken.Add(1)
					return
				}
				v.produce(p, rng.IntN(6), rng.Uint64N(p.maxMessage+1))
			}
			_, _ = RecoverMPMC(m, slot) // it may be broken by now
		})
		run(uint64(4+slot), func(rng *rand.Rand) {
			v := &company{t: t, m: m, cleared: true}
			c, err := NewMPMCConsumer(m, 3+slot, func() {})
			for i := 0; i < 1000 && !stop.Load(); i++ {
				if err != nil || c.Err() != nil {
					broken.Add(1)
					return
				}
				v.consume(c, rng.IntN(8))
			}
			_, _ = RecoverMPMC(m, 3+slot)
		})
	}
	time.Sleep(time.Second)
	shmtest.Eventually(t, "an endpoint that finds the ring broken", func() bool { return broken.Load() > 0 })
	stop.Store(true)
	shmtest.Within(t, shmtest.Patience, "a step of an endpoint", all.Wait)
}

// Words may say that the ring is millions of laps further on than it is. Each call walks so far and then gives up.
func TestHostilePeer_CannotKeepTheCrowdWalkingForEver(t *testing.T) {
	m := guardedCrowd(t, fewGranules, smallGranule, 1)
	v := newcomers(t, m)
	moveCrowd(m, positionAtLap(1<<30, 0))
	for _, hint := range crowdHints {
		crowdShared(m, hint).Store(0)
	}
	steps := []int{0, 3} // send, and look for room
	if !testing.Short() {
		steps = []int{0, 2, 3, 4, 5} // and a batch, a drain, a claim
	}
	shmtest.Within(t, shmtest.Patience, "a step of each kind", func() {
		for _, what := range steps {
			v.produce(v.producers[0], what, 400)
		}
		v.consume(v.consumers[0], 2) // look
		v.consume(v.consumers[1], 4) // next
		v.recover(2)
	})
}
