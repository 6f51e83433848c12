package futex

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// The races of a gate are too narrow to be met by chance. So here is a model of it, small enough to try every interleaving: the
// steps of Prepare, Sleep and Wake as they stand in gate.go, one atomic access each, between takers and putters of tokens. A
// wake-up is lost if all who can move have moved and somebody is still asleep.

// gateOrder says how a variant of the gate differs from the real one.
type gateOrder struct {
	countBeforeClear  bool // Broadcast adds to the sequence and then clears the flag
	flagBeforeLoad    bool // Prepare raises the flag and then loads the sequence
	noSecondLook      bool // the sleeper does not look at its condition again
	checkBeforePut    bool // the waker loads the flag before it publishes, as it looks without the store-load order
	wakeOne           bool // the kernel is asked to wake one
	putterMayBeKilled bool

	releaseStore bool // the putter publishes by a store that stays in its store buffer for a while
	noBarrier    bool // with that: the sleeper makes no barrier
	strict       bool // with both: the strict bit is set, so that each waker makes an atomic read-modify-write
}

const (
	modelTakers  = 2
	modelPutters = 2
	modelEach    = 2 // tokens of each
)

// Where a taker is.
const (
	takerTakes = iota
	takerPrepares
	takerPreparesMore
	takerMakesBarrier
	takerLooksAgain
	takerGoesToSleep
	takerSleeps
	takerDone
)

// Where a putter is.
const (
	putterPuts = iota
	putterChecks
	putterBroadcasts
	putterBroadcastsMore
	putterWakes
	putterDone
)

type modelThread struct {
	at, left, seq uint8
	buffered      uint8 // tokens put, but still in the store buffer
}

type modelState struct {
	tokens, waiting, sequence uint8
	killed                    bool
	takers                    [modelTakers]modelThread
	putters                   [modelPutters]modelThread
}

// next returns the states that one step of anybody leads to.
func (s modelState) next(o gateOrder) []modelState {
	var all []modelState
	for i := range s.takers {
		if at := s.takers[i].at; at != takerSleeps && at != takerDone {
			n := s
			n.stepTaker(&n.takers[i], o)
			all = append(all, n)
		}
	}
	for i := range s.putters {
		p := s.putters[i]
		if p.buffered > 0 { // the store buffer empties when it likes, also of a thread that is gone
			n := s
			n.drain(i)
			all = append(all, n)
		}
		if p.at == putterDone {
			continue
		}
		if o.putterMayBeKilled && !s.killed && p.at != putterPuts {
			n := s
			n.killed = true
			n.putters[i].at = putterDone
			if p.left > 0 { // another process puts the rest
				n.putters[i].at = putterPuts
			}
			all = append(all, n)
		}
		if p.at == putterWakes {
			all = append(all, s.wakes(i, o)...)
			continue
		}
		n := s
		n.stepPutter(i, o)
		all = append(all, n)
	}
	return all
}

// drain empties the store buffer of a putter.
func (s *modelState) drain(putter int) {
	s.tokens += s.putters[putter].buffered
	s.putters[putter].buffered = 0
}

func (s *modelState) stepTaker(t *modelThread, o gateOrder) {
	raise, read := takerPreparesMore, takerPrepares
	if o.flagBeforeLoad {
		raise, read = read, raise
	}
	switch int(t.at) {
	case takerTakes:
		switch {
		case s.tokens == 0:
			t.at = takerPrepares
		default:
			s.tokens--
			if t.left--; t.left == 0 {
				t.at = takerDone
			}
		}
	case read:
		t.seq = s.sequence
		t.at++
	case raise:
		s.waiting = 1
		t.at++
	case takerMakesBarrier:
		if !o.noBarrier {
			for i := range s.putters {
				s.drain(i)
			}
		}
		t.at = takerLooksAgain
	case takerLooksAgain:
		t.at = takerGoesToSleep
		if s.tokens > 0 && !o.noSecondLook {
			t.at = takerTakes
		}
	case takerGoesToSleep: // the kernel compares and queues as one step
		t.at = takerSleeps
		if t.seq != s.sequence {
			t.at = takerTakes
		}
	}
}

func (s *modelState) stepPutter(putter int, o gateOrder) {
	p := &s.putters[putter]
	clears, counts := putterBroadcasts, putterBroadcastsMore
	if o.countBeforeClear {
		clears, counts = counts, clears
	}
	put, check := putterPuts, putterChecks
	if o.checkBeforePut {
		put, check = check, put
	}
	switch int(p.at) {
	case put:
		p.buffered++
		if !o.releaseStore {
			s.drain(putter)
		}
		p.left--
		p.at++
	case check:
		p.seq = s.waiting
		if o.strict {
			p.seq = 1
		}
		p.at++
	case clears: // an atomic read-modify-write, like the next: it empties the store buffer
		s.drain(putter)
		if !o.countBeforeClear && s.waiting == 0 {
			p.seq = 0
			p.finish()
			return
		}
		s.waiting = 0
		p.at++
	case counts:
		s.drain(putter)
		s.sequence++
		p.at++
	}
	if p.at == putterBroadcasts && p.seq == 0 {
		p.finish()
	}
}

func (p *modelThread) finish() {
	p.at = putterPuts
	if p.left == 0 {
		p.at = putterDone
	}
}

// wakes is the kernel's part. Who is woken finds that the sequence moved, and begins anew.
func (s modelState) wakes(putter int, o gateOrder) []modelState {
	s.putters[putter].finish()
	all := []modelState{s}
	for i := range s.takers {
		if s.takers[i].at != takerSleeps {
			continue
		}
		n := s
		n.takers[i].at = takerTakes
		if o.wakeOne {
			all = append(all, n)
		} else {
			s = n
			all[0] = n
		}
	}
	if o.wakeOne && len(all) > 1 {
		return all[1:]
	}
	return all
}

// losesWakeUp tries every interleaving.
func (o gateOrder) losesWakeUp() (lost bool, states int) {
	var start modelState
	for i := range start.takers {
		start.takers[i].left = modelEach * modelPutters / modelTakers
	}
	for i := range start.putters {
		start.putters[i].left = modelEach
	}
	seen := map[modelState]bool{start: true}
	for todo := []modelState{start}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		following := s.next(o)
		if len(following) == 0 {
			for _, t := range s.takers {
				lost = lost || t.at == takerSleeps
			}
		}
		for _, n := range following {
			if !seen[n] {
				seen[n] = true
				todo = append(todo, n)
			}
		}
	}
	return lost, len(seen)
}

func TestGateModel_LosesNoWakeUpInAnyInterleaving(t *testing.T) {
	for name, o := range map[string]gateOrder{
		"fence in the waker":      {},
		"barrier in the sleeper":  {releaseStore: true},
		"sleeper without barrier": {releaseStore: true, noBarrier: true, strict: true},
	} {
		t.Run(name, func(t *testing.T) {
			lost, states := o.losesWakeUp()
			require.False(t, lost)
			require.Greater(t, states, 1000)
			t.Logf("%d states", states)
		})
	}
}

// Each part of the protocol is there for a reason: without it, the model finds a sleeper that nobody wakes.
func TestGateModel_FindsTheLostWakeUpOfEachBrokenVariant(t *testing.T) {
	for name, o := range map[string]gateOrder{
		"count before clear":          {countBeforeClear: true},
		"flag before load":            {flagBeforeLoad: true},
		"no second look":              {noSecondLook: true},
		"check before put":            {checkBeforePut: true},
		"wake one":                    {wakeOne: true},
		"killed waker without a tick": {putterMayBeKilled: true},
		"neither fence nor barrier":   {releaseStore: true, noBarrier: true},
	} {
		t.Run(name, func(t *testing.T) {
			lost, states := o.losesWakeUp()
			require.True(t, lost, "none in %d states", states)
		})
	}
}
