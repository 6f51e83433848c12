//go:build seam

package explore

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// explorer explores a system.
//
// A state is a row of numbers: what is at each place of the memory, where each process stands, and what the oracle keeps.
type explorer struct {
	sys      *system
	values   values
	learners []*learner
	standAt  int
	oracleAt int
	width    int
	initial  []uint16
	seen     inTable
	random   *rand.Rand

	mem     *memory // in which the code is run to learn what it does
	origin  [][]byte
	before  [][]byte // the last step
	way     []origin
	learned int
}

func newExplorer(sys *system, seed uint64) *explorer {
	e := &explorer{sys: sys, values: values{index: make(map[string]uint16)}, mem: sys.memory(), random: rand.New(rand.NewPCG(seed, 0))}
	for _, b := range e.mem.places {
		e.initial = append(e.initial, e.values.number(b))
		e.origin = append(e.origin, slices.Clone(b))
		e.before = append(e.before, slices.Clone(b))
	}
	e.seen.e = e
	e.standAt = len(e.initial)
	for id := range sys.programs {
		l := &learner{id: id, index: make(map[string]uint16)}
		e.learners = append(e.learners, l)
		e.reset()
		p := start(sys, e.mem, id, false, true)
		if p.fault != "" {
			panic(p.fault)
		}
		e.stand(l, p)
		p.stop()
		e.initial = append(e.initial, 0)
	}
	e.oracleAt = len(e.initial)
	e.initial = append(e.initial, make([]uint16, sys.oracle.size())...)
	for len(e.initial)%4 != 0 { // so that it can be hashed by words
		e.initial = append(e.initial, 0)
	}
	e.width = len(e.initial)
	return e
}

// reset makes the memory to learn in as it was in the beginning.
func (e *explorer) reset() {
	for p, b := range e.origin {
		copy(e.mem.places[p], b)
	}
}

// advance makes a step of a process: from a state to the next. It says what is wrong, or "".
func (e *explorer) advance(id int, from, to []uint16) string {
	t := e.look(id, from)
	copy(to, from)
	if t.events != nil {
		for _, ev := range t.events {
			if wrong := e.sys.oracle.hear(e.view(to), id, ev); wrong != "" {
				return wrong
			}
		}
	}
	if t.fault != "" {
		return t.fault
	}
	for _, w := range t.writes {
		to[w.place] = w.value
	}
	to[e.standAt+id] = t.next
	return ""
}

// crash kills a process.
func (e *explorer) crash(id int, from, to []uint16) {
	copy(to, from)
	to[e.standAt+id] = dead
	if e.sys.crashed == nil {
		return
	}
	for _, p := range e.sys.crashPlaces {
		copy(e.mem.places[p], e.values.list[from[p]])
	}
	e.sys.crashed(id, e.mem)
	for _, p := range e.sys.crashPlaces {
		to[p] = e.values.number(e.mem.places[p])
	}
}

// canStep reports whether a process is alive and not at its end.
func (e *explorer) canStep(id int, state []uint16) bool {
	s := state[e.standAt+id]
	return s != dead && !e.learners[id].stands[s].done
}

func (e *explorer) deaths(state []uint16) (n int) {
	for _, s := range state[e.standAt : e.standAt+len(e.learners)] {
		if s == dead {
			n++
		}
	}
	return n
}

// canCrash reports whether a process can die now.
func (e *explorer) canCrash(id int, state []uint16, deaths int) bool {
	return deaths < e.sys.crashes && e.canStep(id, state)
}

// action is what leads from a state to another: a step of a process, or its crash.
type action uint8

const crashes action = 1 << 7

func (a action) id() int { return int(a &^ crashes) }

func (e *explorer) act(a action, from, to []uint16) string {
	if a&crashes == 0 {
		return e.advance(a.id(), from, to)
	}
	e.crash(a.id(), from, to)
	return ""
}

// actions are all that can happen in a state.
func (e *explorer) actions(list []action, state []uint16) []action {
	deaths := e.deaths(state)
	for id := range e.learners {
		if e.canStep(id, state) {
			list = append(list, action(id))
		}
		if e.canCrash(id, state, deaths) {
			list = append(list, action(id)|crashes)
		}
	}
	return list
}

// violation is what was found wrong, and what led to it.
type violation struct {
	what string
	way  []action
}

func (v *violation) String() string {
	if v == nil {
		return "nothing wrong"
	}
	return fmt.Sprintf("%s, after %d steps", v.what, len(v.way))
}
