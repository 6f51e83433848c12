//go:build seam

package explore

import (
	"fmt"
	"time"
)

// result is what an exploration found.
type result struct {
	states, steps int
	complete      bool // every state was visited
	learned       int  // steps of the code that were run
	took          time.Duration
	wrong         *violation
}

func (r result) String() string {
	if r.states == 0 {
		return fmt.Sprintf("%d steps at random, %v, %v", r.steps, r.took.Round(time.Millisecond), r.wrong)
	}
	return fmt.Sprintf("%d states, %d steps, complete %v, %d learned, %v, %v", r.states, r.steps, r.complete, r.learned, r.took.Round(time.Millisecond), r.wrong)
}

// explore visits states, those that take fewer steps first, until there are no more of them, or so many.
func (e *explorer) explore(limit int) (r result) {
	began := time.Now()
	s := newStore(e.width)
	s.add(e.initial, 0, 0)
	to := make([]uint16, e.width)
	var list []action
	n := uint32(0)
	for ; int(n) < s.len() && s.len() < limit && r.wrong == nil; n++ {
		from := s.at(n)
		list = e.actions(list[:0], from)
		for _, a := range list {
			r.steps++
			if wrong := e.act(a, from, to); wrong != "" {
				r.wrong = &violation{wrong, append(s.way(n), a)}
				break
			}
			s.add(to, n, a)
		}
	}
	r.complete = int(n) == s.len()
	if r.wrong == nil {
		r.wrong = e.settle(s, r.complete)
	}
	r.states, r.learned, r.took = s.len(), e.learned, time.Since(began)
	return r
}
