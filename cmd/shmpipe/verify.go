package main

import (
	"fmt"
	"maps"
	"slices"
)

// verifier checks generated messages: every number once, in order for each generator, and the checksum.
type verifier struct {
	// late is set for a consumer that came when messages had been finished already: then the first number of a generator is
	// where this consumer's share begins.
	late       bool
	generators map[uint64]*share
	report     verifyReport
}

// share is what came of one generator.
type share struct {
	next  uint64 // the number that should come
	total uint64
}

// verifyReport is the outcome.
type verifyReport struct {
	OK         bool   `json:"ok"`
	Messages   uint64 `json:"messages"`
	Generators int    `json:"generators"`
	Lost       uint64 `json:"lost"`
	Twice      uint64 `json:"twice"`   // or out of order: a number that is no greater than the last
	Damaged    uint64 `json:"damaged"` // the checksum does not hold
	Foreign    uint64 `json:"foreign"` // not generated
	First      string `json:"first,omitempty"`
}

func newVerifier(late bool) *verifier {
	return &verifier{late: late, generators: make(map[uint64]*share)}
}

// check looks at the next message. Again says that the library flagged it as one that may have been seen already.
func (v *verifier) check(s stamp, generated, intact, again bool) {
	r := &v.report
	r.Messages++
	switch {
	case !generated:
		r.Foreign++
		v.problem("message %d is not a generated one", r.Messages)
		return
	case !intact:
		r.Damaged++
		v.problem("message %d is damaged: its checksum does not hold (it says it is number %d of generator %016x)", r.Messages, s.number, s.generator)
		return
	}
	g := v.generators[s.generator]
	if g == nil {
		g = &share{total: s.total}
		if v.late || again {
			g.next = s.number
		}
		v.generators[s.generator] = g
	}
	switch {
	case s.number > g.next:
		r.Lost += s.number - g.next
		v.problem("number %d of generator %016x came where %d should have come", s.number, s.generator, g.next)
	case s.number < g.next && again && s.number == g.next-1:
		return // flagged, as it should be
	case s.number < g.next:
		r.Twice++
		v.problem("number %d of generator %016x came again or out of order, where %d should have come", s.number, s.generator, g.next)
		return
	}
	g.next = s.number + 1
}

// finish ends the check. Whole says that the stream ended in order, so that every generator's last number must have come.
func (v *verifier) finish(whole bool) verifyReport {
	r := &v.report
	if whole {
		for _, id := range slices.Sorted(maps.Keys(v.generators)) {
			if g := v.generators[id]; g.next < g.total {
				r.Lost += g.total - g.next
				v.problem("the last %d of %d numbers of generator %016x did not come", g.total-g.next, g.total, id)
			}
		}
	}
	r.Generators = len(v.generators)
	r.OK = r.First == ""
	return *r
}

// problem keeps the first one.
func (v *verifier) problem(format string, args ...any) {
	if v.report.First == "" {
		v.report.First = fmt.Sprintf(format, args...)
	}
}

func (r verifyReport) String() string {
	verdict := "ok"
	if !r.OK {
		verdict = "failed: " + r.First
	}
	return fmt.Sprintf("verify: %s of %s, %s lost, %s twice or out of order, %s damaged, %s not generated: %s",
		plural(r.Messages, "message"), plural(uint64(r.Generators), "generator"), grouped(r.Lost), grouped(r.Twice), grouped(r.Damaged), grouped(r.Foreign), verdict)
}
