package ring

import (
	"testing"

	"pgregory.net/rapid"

	"shmpipe/protocol"
)

// lengths draws lengths that matter: small ones, large ones, and those that end near the end of the data.
func (s *model) lengths() *rapid.Generator[int] {
	limit := int(s.m.MaxMessage)
	return rapid.Custom(func(t *rapid.T) int {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return rapid.IntRange(0, 40).Draw(t, "small")
		case 1:
			return rapid.IntRange(0, limit).Draw(t, "any")
		case 2:
			return limit - rapid.IntRange(0, 9).Draw(t, "large")
		}
		at, _ := s.place(0)
		rest := int(s.capacity - at%s.capacity)
		return max(0, min(limit, rest-8+rapid.IntRange(-9, 9).Draw(t, "about the rest")))
	})
}

// steps are what the two ends can do, for rapid to put in any order.
func (s *model) steps() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"put":  func(t *rapid.T) { s.put(s.lengths().Draw(t, "n")) },
		"send": func(t *rapid.T) { s.send(s.lengths().Draw(t, "n")) },
		"claim": func(t *rapid.T) {
			n := s.lengths().Draw(t, "n")
			s.claim(n, rapid.IntRange(0, n).Draw(t, "commit"), rapid.IntRange(0, 3).Draw(t, "abort") == 0)
		},
		"putAll": func(t *rapid.T) { s.putAll(rapid.SliceOfN(s.lengths(), 0, 6).Draw(t, "lengths")) },
		"each": func(t *rapid.T) {
			s.each(rapid.IntRange(1, 8).Draw(t, "limit"), rapid.IntRange(0, 9).Draw(t, "bad"), rapid.Bool().Draw(t, "panics"))
		},
		"hasRoom": func(t *rapid.T) { s.hasRoom(s.lengths().Draw(t, "n")) },
		"publish": func(*rapid.T) { s.publish() },
		"next":    func(*rapid.T) { s.next() },
		"next2":   func(*rapid.T) { s.next() },
		"release": func(*rapid.T) { s.release() },
		"return":  func(*rapid.T) { s.putBack() },
		"rest":    func(*rapid.T) { s.rest() },
		"look":    func(t *rapid.T) { s.look(rapid.Bool().Draw(t, "first")) },
	}
}

func drawModel(t *rapid.T) *model {
	capacity := uint64(rapid.SampledFrom([]int{small, 4 * small}).Draw(t, "capacity"))
	return newModel(t, capacity, protocol.FrameAlign*rapid.Uint64Range(0, 1<<40).Draw(t, "start"))
}

func TestRing_BehavesAsAPlainQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawModel(t)
		t.Repeat(s.steps())
	})
}

func TestRing_BehavesAsAPlainQueueWhoeverDiesBetweenTwoSteps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawModel(t)
		steps := s.steps()
		steps["producer dies"] = func(t *rapid.T) { s.loseProducer(rapid.Bool().Draw(t, "fenced")) }
		steps["consumer dies"] = func(*rapid.T) { s.loseConsumer() }
		t.Repeat(steps)
	})
}
