package main

import (
	"fmt"
	"maps"
	"slices"
)

// verifier checks generated messages: every number once, in order for each generator, and the checksum. Of a ring with many
// consumers it has a share only; see shares.
type verifier struct {
	// late is set for a consumer that came when messages had been finished already: then the first number of a generator is
	// where this consumer's share begins.
	late       bool
	generators map[uint64]*stream
	shares     *shares // nil if this consumer gets everything
	report     verifyReport
}

// stream is what came of one generator.
type stream struct {
	next  uint64 // the number that should come; of a share: the least that may
	total uint64
	came  uint64 // different numbers
	seen  *recent
}

// verifyReport is the outcome.
type verifyReport struct {
	OK         bool   `json:"ok"`
	Share      bool   `json:"share"` // others got messages too: what is lost cannot be told
	Messages   uint64 `json:"messages"`
	Generators int    `json:"generators"`
	Lost       uint64 `json:"lost"`
	Twice      uint64 `json:"twice"`   // or out of order: a number that is no greater than the last
	Damaged    uint64 `json:"damaged"` // the checksum does not hold
	Foreign    uint64 `json:"foreign"` // not generated
	First      string `json:"first,omitempty"`
}

func newVerifier(late bool) *verifier {
	return &verifier{late: late, generators: make(map[uint64]*stream)}
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
		g = &stream{total: s.total}
		if v.shares == nil && (v.late || again) {
			g.next = s.number
		}
		v.generators[s.generator] = g
	}
	if v.shares != nil {
		v.share(g, s, again)
		return
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

// ending is what is known when no more comes.
type ending struct {
	whole   bool // the stream ended in order: every generator's last number must have come
	drained bool // likewise, or a producer died: what was committed must have come

	// Of a ring with many consumers.
	sole    bool   // no other consumer got anything
	dropped uint64 // messages that the dead had in hand
}

// finish ends the check.
func (v *verifier) finish(e ending) verifyReport {
	r := &v.report
	switch {
	case v.shares != nil:
		v.finishShare(e)
	case e.whole:
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
	lost := grouped(r.Lost) + " lost"
	if r.Share {
		lost = "a share of all"
	}
	return fmt.Sprintf("verify: %s of %s, %s, %s twice or out of order, %s damaged, %s not generated: %s",
		plural(r.Messages, "message"), plural(uint64(r.Generators), "generator"), lost, grouped(r.Twice), grouped(r.Damaged), grouped(r.Foreign), verdict)
}
