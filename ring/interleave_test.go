package ring

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// explore tries every interleaving. It returns what went wrong first, or nothing, and the number of states.
func (m *ringModel) explore() (string, int) {
	start := ringState{}
	start.c.redeliver = modelNone
	number := map[ringState]int32{start: 0}
	states := []ringState{start}
	var before [][]int32 // by state: those that lead to it without a crash
	before = append(before, nil)
	var ends []int32
	for i := 0; i < len(states); i++ {
		if m.done(states[i]) {
			ends = append(ends, int32(i))
		}
		m.next(states[i], func(n ringState, crash bool) {
			at, known := number[n]
			if !known {
				at = int32(len(states))
				number[n] = at
				states = append(states, n)
				before = append(before, nil)
			}
			if !crash && int(at) != i {
				before[at] = append(before[at], int32(i))
			}
		})
		if m.broken != "" {
			return m.broken, len(states)
		}
	}
	// From everywhere, all can still be delivered, without the help of a crash.
	canEnd := make([]bool, len(states))
	for todo := ends; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !canEnd[at] {
			canEnd[at] = true
			todo = append(todo, before[at]...)
		}
	}
	for i := range states {
		if !canEnd[i] {
			return "stuck", len(states)
		}
	}
	return "", len(states)
}

// Streams that go round the ring: with credit for each message and for several, with padding and without.
var modelStreams = map[string]struct {
	step  uint8
	sizes []uint8
}{
	"padding, credit for each":   {2, []uint8{3, 3, 3, 2}},
	"padding, credit for two":    {4, []uint8{2, 3, 2, 3}},
	"no padding, filled exactly": {3, []uint8{2, 4, 2, 4}},
	"padding that needs it all":  {3, []uint8{3, 2, 4, 2}},
}

func TestRingModel_HoldsInEveryInterleavingWithACrashAnywhere(t *testing.T) {
	for name, stream := range modelStreams {
		t.Run(name, func(t *testing.T) {
			wrong, states := newRingModel(ringFlaw{}, stream.step, stream.sizes...).explore()
			require.Empty(t, wrong, "after %d states", states)
			require.Greater(t, states, 10_000)
			t.Logf("%d states", states)
		})
	}
}

// Each part of the protocol is there for a reason: without it, the model finds what goes wrong.
func TestRingModel_FindsWhatIsWrongWithEachBrokenVariant(t *testing.T) {
	const unwritten = "a header that was overwritten or not yet written"
	for name, c := range map[string]struct {
		flaw ringFlaw
		want string
	}{
		"tail before payload":                    {ringFlaw{tailFirst: true}, unwritten},
		"credit not looked at":                   {ringFlaw{freeUnchecked: true}, unwritten},
		"padding not counted":                    {ringFlaw{padUncounted: true}, unwritten},
		"credit before finishing":                {ringFlaw{creditEarly: true}, "a sound ring is refused by a new consumer"},
		"credit before finishing, nobody dies":   {ringFlaw{creditEarly: true, nobodyDies: true}, unwritten},
		"credit kept while waiting":              {ringFlaw{creditNever: true}, "stuck"},
		"head before cursor":                     {ringFlaw{headFirst: true}, "a sound ring is refused by a new consumer"},
		"cursor after delivery":                  {ringFlaw{cursorLate: true}, "delivered twice without a flag"},
		"in-hand bit forgotten":                  {ringFlaw{bitForgotten: true}, "delivered twice without a flag"},
		"in-hand bit lost by a credit return":    {ringFlaw{bitLost: true}, "delivered twice without a flag"},
		"in-hand bit ignored by a successor":     {ringFlaw{flagForgotten: true}, "delivered twice without a flag"},
		"successor begins at the head":           {ringFlaw{attachAtHead: true}, "delivered again after it was finished"},
		"release that does not store the cursor": {ringFlaw{finishUnstored: true}, "delivered again after it was finished"},
	} {
		t.Run(name, func(t *testing.T) {
			found := map[string]bool{}
			for _, stream := range modelStreams {
				wrong, _ := newRingModel(c.flaw, stream.step, stream.sizes...).explore()
				found[wrong] = true
			}
			require.Contains(t, found, c.want)
		})
	}
}
