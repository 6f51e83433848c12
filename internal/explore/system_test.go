//go:build seam

package explore

import "shmpipe/internal/seam"

// system is what is explored: some processes on a memory.
type system struct {
	name     string
	programs []program
	memory   func() *memory // a new one, as it is in the beginning

	// shows says what an access shows to the process that makes it. What is not listed shows the value.
	shows map[seam.Site]show
	// filter reports whether the process takes notice of the value that an access shows.
	filter func(p *process) bool
	// ignored are names of fields of endpoints that steps do not depend on.
	ignored map[string]bool
	// extra are the places beside the one that is accessed that the step may depend on.
	extra func(p *process) []place
	// silent reports whether the step shows what is at those to the process too.
	silent func(p *process) bool
	// stepped is called after each step of a process; it may tell events.
	stepped func(p *process)
	// crashed changes the memory when a process dies: what the kernel does.
	crashed func(id int, m *memory)
	// crashPlaces are those that crashed looks at.
	crashPlaces []place

	crashes int // how many may die

	// For people.
	tellPlace func(p place, content []byte) string
	tellEvent func(e event) string
	oracle    oracle
}

type program struct {
	name string
	run  func(*process)
}

// show is what an access shows.
type show uint8

const (
	showsValue   show = iota // what was there
	showsSuccess             // whether it changed what was there
	showsNothing
)

// oracle says whether what happens is right. It keeps what it needs to know in the state.
type oracle interface {
	// size is how many numbers it keeps. They are 0 in the beginning.
	size() int
	// hear is told an event, in the state before the step's writes, and says what is wrong, or "".
	hear(v view, id int, e event) string
	// settled reports whether all that must happen has happened.
	settled(v view) bool
}

// view is a state, to be looked at by the oracle.
type view interface {
	content(p place) []byte
	kept() []uint16 // what the oracle keeps
	dead(id int) bool
	done(id int) bool
}

// inTable is a state of an explorer.
type inTable struct {
	e     *explorer
	state []uint16
}

func (v *inTable) content(p place) []byte { return v.e.values.list[v.state[p]] }
func (v *inTable) kept() []uint16         { return v.state[v.e.oracleAt:] }
func (v *inTable) dead(id int) bool       { return v.state[v.e.standAt+id] == dead }
func (v *inTable) done(id int) bool {
	s := v.state[v.e.standAt+id]
	return s != dead && v.e.learners[id].stands[s].done
}

// view is a state as the oracle sees it, until the next call.
func (e *explorer) view(state []uint16) view {
	e.seen.state = state
	return &e.seen
}
