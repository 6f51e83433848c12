//go:build seam

package explore

import (
	"fmt"
	"slices"
	"strings"
)

// live runs all processes together on one memory.
type live struct {
	sys       *system
	mem       *memory
	processes []*process // nil: dead
	oracle    []uint16   // what the oracle keeps
}

func newLive(sys *system) *live {
	l := &live{sys: sys, mem: sys.memory(), oracle: make([]uint16, sys.oracle.size())}
	for id := range sys.programs {
		l.processes = append(l.processes, start(sys, l.mem, id, true, false))
	}
	return l
}

func (l *live) content(p place) []byte { return l.mem.places[p] }
func (l *live) kept() []uint16         { return l.oracle }
func (l *live) dead(id int) bool       { return l.processes[id] == nil }
func (l *live) done(id int) bool       { return l.processes[id] != nil && l.processes[id].done }
func (l *live) canStep(id int) bool    { return l.processes[id] != nil && !l.processes[id].done }

func (l *live) stop() {
	for _, p := range l.processes {
		if p != nil {
			p.stop()
		}
	}
}

// act does what an action says, and says what is wrong, or "".
func (l *live) act(a action) string {
	p := l.processes[a.id()]
	p.events = p.events[:0]
	if a&crashes != 0 {
		p.stop()
		l.processes[a.id()] = nil
		if l.sys.crashed != nil {
			l.sys.crashed(a.id(), l.mem)
		}
		return ""
	}
	p.run()
	for _, ev := range p.events {
		if wrong := l.sys.oracle.hear(l, a.id(), ev); wrong != "" {
			return wrong
		}
	}
	return p.fault
}

// differs says where the live run is not as the explorer says, or "".
func (l *live) differs(e *explorer, state []uint16) string {
	for p, b := range l.mem.places {
		if want := e.values.list[state[p]]; string(b) != string(want) {
			return fmt.Sprintf("place %d is %x, and the explorer says %x", p, b, want)
		}
	}
	for id, p := range l.processes {
		at := state[e.standAt+id]
		if at == dead || p == nil {
			if at != dead || p != nil {
				return fmt.Sprintf("process %d is dead for one only", id)
			}
			continue
		}
		if s := e.learners[id].stands[at]; p.site != s.site || p.place != s.place || p.done != s.done {
			return fmt.Sprintf("%s is before %s at %d, and the explorer says before %s at %d", e.sys.programs[id].name, siteName(p.site), p.place, siteName(s.site), s.place)
		}
	}
	return ""
}

// trace runs what led to a violation once more, live, and tells each step.
func trace(sys *system, v *violation) string {
	var text strings.Builder
	l := newLive(sys)
	defer l.stop()
	for i, a := range v.way {
		name := sys.programs[a.id()].name
		if a&crashes != 0 {
			fmt.Fprintf(&text, "%4d %-10s dies\n", i, name)
			l.act(a)
			continue
		}
		p := l.processes[a.id()]
		fmt.Fprintf(&text, "%4d %-10s %-14s %s", i, name, siteName(p.site), sys.tellPlace(p.place, l.mem.places[p.place]))
		before := l.mem.copy()
		wrong := l.act(a)
		for j, b := range l.mem.places {
			if string(b) != string(before[j]) {
				text.WriteString(" -> " + sys.tellPlace(place(j), b))
			}
		}
		for _, ev := range p.events {
			text.WriteString(" " + sys.tellEvent(ev))
		}
		text.WriteString(" " + wrong + "\n")
	}
	return text.String()
}

// check runs what led to a violation once more, live, and compares that with what the explorer says. It says where they differ, or "".
func (e *explorer) check(v *violation) string {
	l := newLive(e.sys)
	defer l.stop()
	state, next := slices.Clone(e.initial), make([]uint16, e.width)
	for i, a := range v.way {
		if differs := l.differs(e, state); differs != "" {
			return fmt.Sprintf("before step %d: %s", i, differs)
		}
		says, does := e.act(a, state, next), l.act(a)
		if (says == "") != (does == "") {
			return fmt.Sprintf("step %d: the explorer says %q, and a live run %q", i, says, does)
		}
		if says != "" {
			return ""
		}
		state, next = next, state
	}
	return l.differs(e, state)
}
