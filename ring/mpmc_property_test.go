package ring

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// lengths draws lengths that matter: small ones, large ones, and those about the end of a granule and of the data.
func (s *crowdModel) lengths() *rapid.Generator[int] {
	limit := int(s.m.MaxMessage)
	return rapid.Custom(func(t *rapid.T) int {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return rapid.IntRange(0, 60).Draw(t, "small")
		case 1:
			return rapid.IntRange(0, limit).Draw(t, "any")
		case 2:
			return limit - rapid.IntRange(0, 9).Draw(t, "large")
		}
		granules := min(rapid.Uint64Range(1, crowdSize(s.m)/2).Draw(t, "granules"), s.rest())
		return max(0, min(limit, spanned(s.m, granules)+rapid.IntRange(-1, 1).Draw(t, "about")))
	})
}

// steps are what living participants can do, for rapid to put in any order.
func (s *crowdModel) steps() map[string]func(*rapid.T) {
	length := func(t *rapid.T) int { return s.lengths().Draw(t, "n") }
	producer := func(t *rapid.T) uint8 { return rapid.Uint8Range(0, firstConsumer-1).Draw(t, "producer") }
	consumer := func(t *rapid.T) uint8 { return rapid.Uint8Range(firstConsumer, 4).Draw(t, "consumer") }
	next := func(t *rapid.T) { s.next(consumer(t)) }
	return map[string]func(*rapid.T){
		"send":  func(t *rapid.T) { s.send(producer(t), length(t)) },
		"send2": func(t *rapid.T) { s.send(producer(t), length(t)) },
		"batch": func(t *rapid.T) {
			s.sendBatch(producer(t), rapid.SliceOfN(rapid.IntRange(0, 100), 1, 9).Draw(t, "lengths"))
		},
		"claim":     func(t *rapid.T) { s.claim(producer(t), length(t)) },
		"end claim": func(t *rapid.T) { s.endClaim(producer(t), length(t), rapid.Bool().Draw(t, "abort")) },
		"room":      func(t *rapid.T) { s.awaitRoom(producer(t), length(t)) },
		"drain":     func(t *rapid.T) { s.beginDrain(producer(t)) },
		"next":      next,
		"next2":     next,
		"next3":     next,
		"release":   func(t *rapid.T) { s.release(consumer(t)) },
		"return":    func(t *rapid.T) { s.putBack(consumer(t)) },
		"look":      func(t *rapid.T) { s.look(consumer(t), rapid.Bool().Draw(t, "first")) },
		"leave":     func(t *rapid.T) { s.leave(consumer(t)) },
	}
}

func drawCrowdModel(t *rapid.T) *crowdModel {
	granules := uint64(rapid.SampledFrom([]int{fewGranules, 2 * fewGranules}).Draw(t, "granules"))
	lap := rapid.SampledFrom([]uint64{1, 1<<32 - 2, 1 << 40}).Draw(t, "lap")
	return newCrowdModel(t, granules, lap*granules+rapid.Uint64Range(0, granules-1).Draw(t, "index"), rapid.Bool().Draw(t, "drop"))
}

func TestMPMC_BehavesAsARowOfFrames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawCrowdModel(t)
		t.Repeat(s.steps())
	})
}

func TestMPMC_BehavesAsARowOfFramesWhoeverDiesBetweenTwoSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawCrowdModel(t)
		steps := s.steps()
		anyone := func(t *rapid.T) uint8 { return rapid.Uint8Range(0, 4).Draw(t, "slot") }
		steps["die"] = func(t *rapid.T) { s.die(anyone(t)) }
		steps["bury"] = func(t *rapid.T) { s.bury(anyone(t)) }
		steps["bury2"] = steps["bury"]
		t.Repeat(steps)
	})
}

// step makes one random step.
func (s *crowdModel) step(rng *rand.Rand) {
	n := rng.IntN(100)
	if rng.IntN(4) == 0 {
		n = rng.IntN(int(s.m.MaxMessage) + 1)
	}
	producer, consumer := uint8(rng.IntN(firstConsumer)), uint8(firstConsumer+rng.IntN(3))
	switch rng.IntN(16) {
	case 0, 1, 2:
		s.send(producer, n)
	case 3:
		lengths := make([]int, 1+rng.IntN(9))
		for i := range lengths {
			lengths[i] = rng.IntN(60)
		}
		s.sendBatch(producer, lengths)
	case 4:
		s.claim(producer, n)
	case 5:
		s.endClaim(producer, n, rng.IntN(3) == 0)
	case 6:
		s.awaitRoom(producer, n)
	case 7:
		s.beginDrain(producer)
	case 8:
		s.release(consumer)
	case 9:
		s.putBack(consumer)
	case 10:
		s.look(consumer, rng.IntN(2) == 0)
	case 11:
		if rng.IntN(4) == 0 {
			s.leave(consumer)
		}
	default:
		s.next(consumer)
	}
}

// One long history, through many laps and deaths, and at its end everything is delivered.
func TestMPMC_LosesNothingThroughManyDeaths(t *testing.T) {
	rng := shmtest.Rand(t)
	for _, drop := range []bool{false, true} {
		s := newCrowdModel(t, fewGranules, positionAtLap(1<<32-3, 7), drop)
		for range 10_000 {
			switch rng.IntN(60) {
			case 0:
				s.die(uint8(rng.IntN(5)))
			case 1, 2, 3:
				s.bury(uint8(rng.IntN(5)))
			default:
				s.step(rng)
			}
		}
		for slot := range uint8(5) {
			s.die(slot)
			s.bury(slot)
		}
		for s.next(4); s.consumers[2].hand != nil; s.next(4) {
		}
		require.Empty(t, s.frames)
		require.Greater(t, s.taken, uint64(500))
		require.Greater(t, s.tail, positionAtLap(1<<32+3, 0))
		require.Equal(t, drop, s.dropped > 0) // it is some 40, and 20 in one history of a hundred
		var redelivered uint64
		for slot := range uint8(5) {
			redelivered += slotCount(s.m, slot, protocol.SlotRedelivered)
		}
		require.NotZero(t, redelivered)
	}
}
