//go:build seam

package explore

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/seam"
)

// The explorer itself is tried on things so small that what it must find is known.

// Sites that the toys use: a load, which shows a value, and a compare-and-swap, which shows whether it succeeded.
const (
	toyLoad = seam.TakeHeadLoad
	toySwap = seam.TakeHead
)

const (
	added   = 1 // event: one was added
	trapped = 2 // event: something is wrong
)

// counted is an oracle: the counter is as large as the number of times that one was added, and everybody ends.
type counted struct{ processes int }

func (counted) size() int { return 1 }

func (counted) hear(v view, _ int, e event) string {
	if e.kind == trapped {
		return "trapped"
	}
	v.kept()[0]++
	return ""
}

func (c counted) settled(v view) bool {
	for id := range c.processes {
		if !v.dead(id) && !v.done(id) {
			return false
		}
	}
	return word(v.content(0)) == uint64(v.kept()[0])
}

// toy is a system of processes that all run one program, on some words.
func toy(processes, words, deaths int, run func(p *process, word func(i int) []byte)) *system {
	s := &system{
		name:    "toy",
		memory:  func() *memory { m := &memory{}; m.share(aligned(8*words), 8); return m },
		shows:   map[seam.Site]show{toySwap: showsSuccess},
		oracle:  counted{processes},
		crashes: deaths,
	}
	for range processes {
		s.programs = append(s.programs, program{"toy", func(p *process) {
			run(p, func(i int) []byte { return p.mem.places[i] })
		}})
	}
	return s
}

func load(p *process, b []byte) uint64 {
	p.mark(toyLoad, b)
	return binary.LittleEndian.Uint64(b)
}

func swap(p *process, b []byte, from, to uint64) bool {
	p.mark(toySwap, b)
	if binary.LittleEndian.Uint64(b) != from {
		return false
	}
	binary.LittleEndian.PutUint64(b, to)
	return true
}

func store64(p *process, b []byte, v uint64) {
	p.mark(toySwap, b)
	binary.LittleEndian.PutUint64(b, v)
}

func TestExplorer_VisitsEachStateOnce(t *testing.T) {
	// Each of two processes stands at one of two stores or at the end: 3 * 3 states, and each word tells nothing more.
	sys := toy(2, 2, 0, func(p *process, word func(int) []byte) {
		for i := range 2 {
			p.mark(toySwap, word(p.id))
			word(p.id)[0] = byte(i + 1)
		}
	})
	sys.oracle = nothing{}
	r := newExplorer(sys, 1).explore(1000)
	require.Nil(t, r.wrong)
	require.True(t, r.complete)
	require.Equal(t, 9, r.states)
	require.Equal(t, 12, r.steps)
}

// nothing is an oracle that is content.
type nothing struct{}

func (nothing) size() int                    { return 0 }
func (nothing) hear(view, int, event) string { return "" }
func (nothing) settled(view) bool            { return true }

func TestExplorer_FindsALostUpdate(t *testing.T) {
	r := newExplorer(toy(2, 1, 0, func(p *process, word func(int) []byte) {
		v := load(p, word(0))
		store64(p, word(0), v+1)
		p.tell(added, 0, 0)
	}), 1).explore(1000)
	require.NotNil(t, r.wrong)
}

func TestExplorer_FindsNothingWrongWithACounterThatCompares(t *testing.T) {
	for _, deaths := range []int{0, 1, 2} {
		r := newExplorer(toy(3, 1, deaths, func(p *process, word func(int) []byte) {
			for i := range 2 {
				for {
					p.begin(uint32(i))
					if v := load(p, word(0)); swap(p, word(0), v, v+1) {
						break
					}
				}
				p.tell(added, 0, 0)
			}
		}), 1).explore(1_000_000)
		require.Nil(t, r.wrong)
		require.True(t, r.complete)
		require.Greater(t, r.states, 100)
	}
}

// A lock that its holder takes to the grave: nothing is wrong, but the survivors wait forever.
func TestExplorer_FindsThatSurvivorsStarve(t *testing.T) {
	sys := func(deaths int) *system {
		return toy(2, 2, deaths, func(p *process, word func(int) []byte) {
			for p.begin(0); !swap(p, word(1), 0, 1); p.begin(0) {
			}
			v := load(p, word(0))
			store64(p, word(0), v+1)
			p.tell(added, 0, 0)
			store64(p, word(1), 0)
		})
	}
	require.Nil(t, newExplorer(sys(0), 1).explore(1000).wrong)
	r := newExplorer(sys(1), 1).explore(1000)
	require.NotNil(t, r.wrong)
	require.Contains(t, r.wrong.what, "circles")
	// A run at random that comes to an end in such a state finds it too.
	w := wander(sys(1), 1, 100, 10)
	require.NotNil(t, w.wrong)
}

func TestExplorer_FindsAnAccessWithoutAMark(t *testing.T) {
	e := newExplorer(toy(2, 2, 0, func(p *process, word func(int) []byte) {
		v := load(p, word(0))
		v += binary.LittleEndian.Uint64(word(1))
		store64(p, word(0), v+1)
	}), 1)
	e.explore(1000)
	require.Panics(t, func() { e.audit(1000) })
}

func TestExplorer_FindsThatMoreIsCarriedThanSaid(t *testing.T) {
	e := newExplorer(toy(2, 2, 0, func(p *process, word func(int) []byte) {
		failed := uint64(0)
		for !swap(p, word(0), 0, 1) {
			p.begin(0)
			if failed++; failed == 3 {
				store64(p, word(1), failed)
				return
			}
		}
	}), 1)
	e.explore(1000)
	require.Panics(t, func() { e.audit(1000) })
}

// The shortest way to a violation is found first, and a live run of all processes shows it.
func TestExplorer_ShowsTheShortestWay(t *testing.T) {
	sys := toy(2, 1, 0, func(p *process, word func(int) []byte) {
		for i := range 3 {
			p.begin(uint32(i))
			if load(p, word(0)) == 1 {
				p.tell(trapped, 0, 0)
			}
			store64(p, word(0), uint64(p.id+1))
		}
	})
	sys.tellPlace = func(place, []byte) string { return "word" }
	sys.tellEvent = func(event) string { return "event" }
	e := newExplorer(sys, 1)
	r := e.explore(1000)
	require.NotNil(t, r.wrong)
	require.Equal(t, "trapped", r.wrong.what)
	require.Equal(t, []action{0, 0, 0}, r.wrong.way)
	require.Empty(t, e.check(r.wrong))
	require.Contains(t, trace(sys, r.wrong), "event")
}
