//go:build seam

package explore

import "fmt"

// settle looks whether from every state, if nobody dies any more and the living take turns, everything that must happen does
// happen. A round of turns leads from a state to exactly one other, so it is enough to follow rounds until a state is met from
// which that is known. If the states are not complete, it looks at some of them, and follows each for some rounds.
func (e *explorer) settle(s *store, complete bool) *violation {
	if !complete {
		return e.settleSome(s)
	}
	fine := make([]bool, s.len())
	visit := make([]uint32, s.len()) // by which walk a state was met last
	state := make([]uint16, e.width)
	spare := make([]uint16, e.width)
	var walk []uint32
	for n := range uint32(s.len()) {
		walk = walk[:0]
		at := n
		for !fine[at] {
			if visit[at] == n+1 {
				return e.circle(s, n)
			}
			visit[at] = n + 1
			walk = append(walk, at)
			copy(state, s.at(at))
			if e.sys.oracle.settled(e.view(state)) {
				break
			}
			if wrong := e.round(&state, &spare); wrong != "" {
				return &violation{wrong, s.way(n)}
			}
			next, _ := s.find(state)
			if next == ^uint32(0) {
				panic("a round leads to a state that was not found")
			}
			at = next
		}
		for _, at := range walk {
			fine[at] = true
		}
	}
	return nil
}

// round lets each process that can make one step.
func (e *explorer) round(state, spare *[]uint16) string {
	for id := range e.learners {
		if e.canStep(id, *state) {
			if wrong := e.advance(id, *state, *spare); wrong != "" {
				return wrong
			}
			*state, *spare = *spare, *state
		}
	}
	return ""
}

// circle is the violation of survivors that from a state on go round in circles.
func (e *explorer) circle(s *store, n uint32) *violation {
	way := s.way(n)
	met := make(map[string]bool)
	state, spare := append([]uint16(nil), s.at(n)...), make([]uint16, e.width)
	for key := fmt.Sprint(state); !met[key]; key = fmt.Sprint(state) {
		met[key] = true
		for id := range e.learners {
			if e.canStep(id, state) {
				way = append(way, action(id))
			}
		}
		e.round(&state, &spare)
	}
	return &violation{"the survivors go round in circles: " + e.unsettled(state), way}
}

// maxRounds is more than survivors need for the small things that they have to do here.
const maxRounds = 2000

func (e *explorer) settleSome(s *store) *violation {
	const samples = 20_000
	every := max(1, s.len()/samples)
	for n := 0; n < s.len(); n += every {
		if wrong := e.settles(s.at(uint32(n))); wrong != "" {
			return &violation{wrong, s.way(uint32(n))}
		}
	}
	return nil
}

// settles follows rounds from one state.
func (e *explorer) settles(from []uint16) string {
	state := append([]uint16(nil), from...)
	spare := make([]uint16, e.width)
	for range maxRounds {
		if e.sys.oracle.settled(e.view(state)) {
			return ""
		}
		if wrong := e.round(&state, &spare); wrong != "" {
			return wrong
		}
	}
	return "the survivors do not finish: " + e.unsettled(state)
}

// unsettled says where the processes stand.
func (e *explorer) unsettled(state []uint16) string {
	text := ""
	for id, p := range e.sys.programs {
		s := state[e.standAt+id]
		switch {
		case s == dead:
			text += p.name + " is dead, "
		case e.learners[id].stands[s].done:
			text += p.name + " is done, "
		default:
			text += p.name + " is before " + siteName(e.learners[id].stands[s].site) + ", "
		}
	}
	return text
}
