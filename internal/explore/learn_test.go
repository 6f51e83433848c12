//go:build seam

package explore

import (
	"encoding/binary"
	"fmt"
	"slices"

	"shmpipe/internal/seam"
)

// dead is where a dead process stands.
const dead uint16 = 1<<16 - 1

// learner knows what a process does: from where it stands, and by what it finds there.
type learner struct {
	id     int
	stands []stand
	index  map[string]uint16
}

// stand is where a process can stand: before an access, with all that it carries.
type stand struct {
	site    seam.Site
	place   place
	done    bool
	inHand  place
	history string
	depends []place // what the step depends on; the first is what it accesses
	steps   map[uint64]*step
	from    []origin // ways that lead here, the first one from a stand that was known before
}

// origin is a stand and what was found there.
type origin struct {
	stand uint16
	found uint64
}

// step is what a process does from a stand to the next.
type step struct {
	writes []write
	events []event
	next   uint16
	fault  string
}

type write struct {
	place place
	value uint16
}

const (
	maxDepends = 4 // places: their contents are packed into one word
	maxOrigins = 4
)

// pack is what is found at the places that a step depends on.
func (s *stand) pack(state []uint16) uint64 {
	found := uint64(0)
	for i, p := range s.depends {
		found |= uint64(state[p]) << (16 * i)
	}
	return found
}

// look is the step of a process in a state. It is learned if it is new.
func (e *explorer) look(id int, state []uint16) *step {
	l := e.learners[id]
	s := &l.stands[state[e.standAt+id]]
	found := s.pack(state)
	if t := s.steps[found]; t != nil {
		return t
	}
	return e.learn(l, state[e.standAt+id], found, state)
}

// learn runs the code for one step.
func (e *explorer) learn(l *learner, at uint16, found uint64, state []uint16) *step {
	way := origin{at, found}
	e.findWay(l, way, false)
	p := e.lead(l, func() {
		for p, b := range e.mem.places {
			copy(b, e.values.list[state[p]])
		}
	})
	t := e.taken(l, p, &way)
	l.stands[at].steps[found] = t
	e.learned++
	return t
}

// findWay sets e.way to what leads to a stand and one step further, the last first: the way that is known longest, or any.
func (e *explorer) findWay(l *learner, last origin, any bool) {
	const loops = 3 // back to a stand that was known only later
	e.way = append(e.way[:0], last)
	for at, back := last.stand, 0; at != 0; at = e.way[len(e.way)-1].stand {
		from := l.stands[at].from
		o := from[0]
		if other := from[e.random.IntN(len(from))]; any && (other.stand < at || back < loops) {
			if o = other; o.stand >= at {
				back++
			}
		}
		e.way = append(e.way, o)
	}
}

// lead makes a process and leads it along e.way. Before each step, prepare fills the memory; then comes what is found there.
func (e *explorer) lead(l *learner, prepare func()) *process {
	e.reset()
	p := start(e.sys, e.mem, l.id, true, true)
	for i := len(e.way) - 1; i >= 0; i-- {
		s := &l.stands[e.way[i].stand]
		if p.site != s.site || p.place != s.place || p.done {
			panic(fmt.Sprintf("%s is before %s, and should be before %s", e.sys.programs[l.id].name, siteName(p.site), siteName(s.site)))
		}
		prepare()
		for j, d := range s.depends {
			copy(e.mem.places[d], e.values.list[uint16(e.way[i].found>>(16*j))])
		}
		if i == 0 {
			p.blind, p.mute, p.history = false, false, append(p.history[:0], s.history...)
			for p, b := range e.mem.places {
				copy(e.before[p], b)
			}
		}
		p.run()
	}
	p.stop()
	return p
}

// audit repeats steps that were learned, with garbage where the step should not look, and along other ways to the same stand. There
// is one of each, or so many at random. It panics if something differs.
func (e *explorer) audit(most int) (audited int) {
	total := 0
	for _, l := range e.learners {
		for i := range l.stands {
			total += len(l.stands[i].steps)
		}
	}
	for _, l := range e.learners {
		for at := range l.stands {
			for found, t := range l.stands[at].steps {
				if total > most && e.random.IntN(total) >= most {
					continue
				}
				for range len(l.stands[at].from) {
					e.findWay(l, origin{uint16(at), found}, true)
					p := e.lead(l, e.litter)
					if again := e.taken(l, p, nil); t.fault == "" && (again.next != t.next || !slices.Equal(t.writes, again.writes) || !slices.Equal(t.events, again.events) || again.fault != "") {
						e.impure(l, uint16(at), t, again)
					}
					audited++
				}
			}
		}
	}
	return audited
}

// litter fills the memory with garbage.
func (e *explorer) litter() {
	for _, b := range e.mem.places {
		for i := range b {
			b[i] = byte(e.random.Uint32())
		}
	}
}

// taken is the step that a process has just made, by way of origin, if that is a new one.
func (e *explorer) taken(l *learner, p *process, way *origin) *step {
	t := &step{events: slices.Clone(p.events), fault: p.fault}
	if t.fault != "" {
		return t
	}
	for i, b := range e.mem.places {
		if string(b) != string(e.before[i]) {
			t.writes = append(t.writes, write{place(i), e.values.number(b)})
		}
	}
	t.next = e.stand(l, p)
	if s := &l.stands[t.next]; way != nil && t.next != 0 {
		if len(s.from) < maxOrigins {
			s.from = append(s.from, *way)
		} else if i := e.random.IntN(4 * maxOrigins); i > 0 && i < maxOrigins {
			s.from[i] = *way
		}
	}
	return t
}

// stand is the number of where a process stands.
func (e *explorer) stand(l *learner, p *process) uint16 {
	key := binary.LittleEndian.AppendUint64(slices.Clone(p.history), uint64(p.site)|uint64(p.place+1)<<8|uint64(p.inHand+1)<<32)
	if p.done {
		key = []byte("done")
	}
	n, known := l.index[string(key)]
	if known {
		return n
	}
	if len(l.stands) >= int(dead) {
		panic("more places to stand than an explorer can number")
	}
	n = uint16(len(l.stands))
	s := stand{site: p.site, place: p.place, done: p.done, inHand: p.inHand, history: string(p.history), steps: make(map[uint64]*step)}
	if !p.done {
		s.depends = e.depends(p)
	}
	l.stands = append(l.stands, s)
	l.index[string(key)] = n
	return n
}

// depends is what the next step of a process depends on.
func (e *explorer) depends(p *process) []place {
	d := []place{p.place}
	if e.sys.extra != nil {
		for _, x := range e.sys.extra(p) {
			if !slices.Contains(d, x) {
				d = append(d, x)
			}
		}
	}
	if len(d) > maxDepends {
		panic("a step depends on more places than an explorer can pack")
	}
	return d
}

// impure reports a step that depends on more than it should.
func (e *explorer) impure(l *learner, at uint16, first, second *step) {
	s := &l.stands[at]
	panic(fmt.Sprintf("%s before %s at place %d: the step depends on something else than what is there and what the process carries:\n\t%s\n\t%s\n"+
		"There is an access without a mark, or seam.Again where more is carried than the endpoint's fields.",
		e.sys.programs[l.id].name, siteName(s.site), s.place, e.describe(l, first), e.describe(l, second)))
}

func (e *explorer) describe(l *learner, t *step) string {
	text := fmt.Sprintf("then %s", siteName(l.stands[t.next].site))
	for _, w := range t.writes {
		text += fmt.Sprintf(", %d=%x", w.place, e.values.list[w.value])
	}
	return fmt.Sprintf("%s, events %v %s", text, t.events, t.fault)
}
