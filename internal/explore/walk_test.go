//go:build seam

package explore

import (
	"math/rand/v2"
	"time"
)

// wander makes walks at random, live, each from the beginning, and lets the survivors finish at the end of each. It is for systems that
// are too large to visit every state.
func wander(sys *system, seed uint64, walks, length int) (r result) {
	began := time.Now()
	random := rand.New(rand.NewPCG(seed, 1))
	for range walks {
		w := walk{live: newLive(sys), random: random}
		wrong := w.wander(1 + random.IntN(length))
		if wrong == "" {
			wrong = w.settle()
		}
		w.stop()
		r.steps += len(w.way)
		if wrong != "" {
			r.wrong = &violation{wrong, w.way}
			break
		}
	}
	r.took = time.Since(began)
	return r
}

type walk struct {
	*live
	random *rand.Rand
	way    []action
	deaths int
}

func (w *walk) do(a action) string {
	w.way = append(w.way, a)
	return w.act(a)
}

// wander makes so many steps. Some walks change the process at each step, others seldom; some crash early, others late.
func (w *walk) wander(length int) string {
	stay := w.random.IntN(16)
	crash := 1 + w.random.IntN(length)
	id := -1
	for i := range length {
		if id < 0 || !w.canStep(id) || w.random.IntN(16) >= stay {
			if id = w.anyone(); id < 0 {
				return ""
			}
		}
		if w.deaths < w.sys.crashes && i >= crash && w.random.IntN(8) == 0 {
			w.deaths++
			w.do(action(id) | crashes)
			crash = i + w.random.IntN(length)
			continue
		}
		if wrong := w.do(action(id)); wrong != "" {
			return wrong
		}
	}
	return ""
}

// anyone is a process that can make a step, or -1.
func (w *walk) anyone() int {
	var able []int
	for id := range w.processes {
		if w.canStep(id) {
			able = append(able, id)
		}
	}
	if len(able) == 0 {
		return -1
	}
	return able[w.random.IntN(len(able))]
}

// settle lets the survivors take turns until everything that must happen has happened.
func (w *walk) settle() string {
	for range maxRounds {
		if w.sys.oracle.settled(w.live) {
			return ""
		}
		for id := range w.processes {
			if w.canStep(id) {
				if wrong := w.do(action(id)); wrong != "" {
					return wrong
				}
			}
		}
	}
	return "the survivors do not finish"
}
