package main

import (
	"maps"
	"slices"
)

// shares is what a verifier knows of a ring with many consumers. A consumer's share of a generator's numbers has gaps, but rises, and
// has no number twice, with these exceptions:
//
//   - What another consumer had in hand when it died, or left, comes later, flagged: any number, also one that was seen.
//   - If that was a batch, the messages behind the flagged one follow it at once, without a flag: their numbers follow on too.
//   - By the policy to drop, the flagged one does not come, but the rest of its batch does. So there may be as many steps back as
//     messages were dropped.
type shares struct {
	window uint64 // numbers; see recent
	rest   place  // what comes next if the batch of the flagged message goes on
	back   steps
}

// place is a number of a generator.
type place struct{ generator, number uint64 }

// steps are numbers that were less than one before, and that had not come.
type steps struct {
	count                    uint64
	generator, number, after uint64 // of the first
}

// newShareVerifier checks a share of what goes through a ring of so many bytes.
func newShareVerifier(capacity uint64) *verifier {
	v := newVerifier(false)
	// Who has a message in hand has its space, and the ring goes on for as much as fits until it is full. So no message comes again, or
	// late, after more than that. No message takes less than its own size.
	v.shares = &shares{window: capacity/stampSize + 1}
	return v
}

// share checks a generated message of a share.
func (v *verifier) share(g *stream, s stamp, again bool) {
	here := place{s.generator, s.number}
	rest := v.shares.rest == here && s.number > 0
	v.shares.rest = place{}
	if again || rest {
		v.shares.rest = place{s.generator, s.number + 1}
	}
	if g.seen == nil {
		g.seen = newRecent(v.shares.window)
	}
	seen := g.seen.add(s.number)
	if !seen {
		g.came++
	}
	switch back := &v.shares.back; {
	case again:
	case seen:
		v.report.Twice++
		v.problem("number %d of generator %016x came twice", s.number, s.generator)
	case s.number < g.next && !rest:
		if back.count == 0 {
			*back = steps{generator: s.generator, number: s.number, after: g.next - 1}
		}
		back.count++
		v.shares.rest = place{s.generator, s.number + 1} // one step, however many follow
	}
	g.next = max(g.next, s.number+1)
}

// finishShare ends the check of a share. If no other consumer got anything, it is a share of all, and nothing may be missing.
func (v *verifier) finishShare(e ending) {
	r, back := &v.report, v.shares.back
	if back.count > e.dropped {
		r.Twice += back.count
		v.problem("number %d of generator %016x came out of order, after %d", back.number, back.generator, back.after)
	}
	if r.Share = !e.sole || !e.drained; r.Share {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(v.generators)) {
		g := v.generators[id]
		want := g.next
		if e.whole {
			want = max(want, g.total)
		}
		if g.came < want {
			r.Lost += want - g.came
			v.problem("%d of the first %d numbers of generator %016x did not come", want-g.came, want, id)
		}
	}
}
