package ring

import (
	"math/rand/v2"
	"testing"
)

// gatherSim is a simulated machine that drives a gather as Consumer.Next and Consumer.Look do. Its time is in nanoseconds, and
// nothing in it depends on the speed of the real machine.
//
// Two cores share the line of the tail. A look at a tail that has moved takes the line away: it costs the consumer transfer, and the
// producer stall, as its next store has to fetch the line back. That is lock step: who looks at each message pays both for each.
type gatherSim struct {
	machine
	t     testing.TB
	g     gather
	rng   *rand.Rand
	noise float64 // the clock is off by up to so much of each interval

	now      float64 // of the consumer
	free     float64 // when the producer has done its last message
	sent     uint64  // messages
	received uint64
	known    uint64 // messages, as the consumer last saw
	seen     uint64 // messages, when the line last moved
	clock    float64
	read     float64 // now, when the clock was last read

	// Of the last run.
	from    uint64  // received before it
	late    float64 // sum over messages of the time from sent to received
	lost    float64 // time spent in pauses of gatherings
	paused  uint64  // gatherings with a pause
	sentAt  [1 << 17]float64
	changes int // of the level, outside trials
	settled int
}

// machine is what things cost, and what the producer does.
type machine struct {
	produce, consume float64 // for a message
	transfer, stall  float64
	interval         float64 // between two messages, if the producer has no more to send; 0: as fast as it can
	burst            uint64  // messages of a burst; 0: no bursts
	silence          float64 // between two bursts
	pingPong         bool    // each message answers the one before
	frame            uint64  // bytes
	capacity         uint64
}

const (
	simPause = 25.0 // ns of a PAUSE
	simPoll  = 2.0  // ns of a look at a line that has not moved
	simSpin  = 50e3 // ns until the consumer sleeps
	simWake  = 20e3 // ns to wake it
)

var (
	near = machine{produce: 8, consume: 6, transfer: 50, stall: 50, frame: 16, capacity: 16 << 20}
	far  = machine{produce: 10, consume: 8, transfer: 300, stall: 300, frame: 72, capacity: 16 << 20}
	// A consumer that costs more than a producer never runs dry: the backlog gathers by itself.
	slow = machine{produce: 8, consume: 40, transfer: 100, stall: 100, frame: 72, capacity: 4 << 20}
	// A producer whose stores wait in its store buffer goes on while the line is away: a look finds several messages.
	buffered = machine{produce: 10, consume: 8, transfer: 120, stall: 60, frame: 72, capacity: 16 << 20}
)

func newGatherSim(t testing.TB, m machine) *gatherSim {
	if raceDetector {
		t.Skip("one goroutine computes for long: nothing to race, and slow")
	}
	return &gatherSim{machine: m, t: t, g: newGather(m.capacity, 1000/simPause, 1000), rng: rand.New(rand.NewPCG(1, 2))}
}

// produceUntil lets the producer run until the consumer's time.
func (s *gatherSim) produceUntil(now float64) {
	for s.sent-s.received < s.capacity/s.frame && int(s.sent-s.received) < len(s.sentAt) {
		start := s.free
		switch {
		case s.pingPong && s.sent > s.received:
			return
		case s.pingPong:
		case s.burst > 0 && s.sent%s.burst == 0 && s.sent > 0:
			start += s.silence
		case s.interval > 0:
			start = max(start, s.interval*float64(s.sent))
		}
		end := start + s.produce
		if end > now {
			return
		}
		s.free = end
		s.sentAt[s.sent%uint64(len(s.sentAt))] = end
		s.sent++
	}
	s.free = max(s.free, now-s.produce) // it waits for credit
}

// look is a look at the tail. It reports whether it has moved.
func (s *gatherSim) look() bool {
	s.produceUntil(s.now)
	if s.sent == s.seen {
		s.now += simPoll
		return false
	}
	s.seen = s.sent
	s.now += s.transfer
	s.free = max(s.free, s.now) + s.stall
	return true
}

// gatherPause is letGather.
func (s *gatherSim) gatherPause() {
	if s.g.pauses > 0 {
		s.paused++
	}
	begin := s.now
	last := s.known
	for left := s.g.pauses; left > 0; {
		n := min(left, chunk)
		s.now += float64(n) * simPause
		if left -= n; left == 0 {
			break
		}
		s.look()
		if s.seen == last || (s.seen-s.received)*s.frame >= s.g.aim() {
			break
		}
		last = s.seen
	}
	s.lost += s.now - begin
}

// run runs for so many milliseconds.
func (s *gatherSim) run(milliseconds float64) *gatherSim {
	s.from, s.late, s.lost, s.paused, s.changes = s.received, 0, 0, 0, 0
	for end := s.now + milliseconds*1e6; s.now < end; {
		for s.received < s.known {
			s.late += s.now - s.sentAt[s.received%uint64(len(s.sentAt))]
			s.now += s.consume
			s.received++
			if s.pingPong {
				s.free = max(s.free, s.now)
			}
		}
		if s.look() { // Next's own
			s.known = s.seen
			continue
		}
		s.gatherPause()
		for begin := s.now; !s.look() && s.seen == s.known; s.now += simPause {
			if s.now-begin > simSpin {
				s.sleep()
			}
		}
		s.known = s.seen
		s.found()
	}
	return s
}

func (s *gatherSim) sleep() {
	s.g.idle()
	for s.produceUntil(s.now); s.sent == s.seen; s.produceUntil(s.now) {
		s.now += 1000
	}
	s.now += simWake
}

// found is Consumer.found, with a clock that may be off.
func (s *gatherSim) found() {
	if !s.g.looked((s.known-s.received)*s.frame, s.frame) {
		return
	}
	if l := s.g.levels[s.g.level]; s.g.pauses > l.limit {
		s.t.Errorf("%d pauses at level %d, want at most %d", s.g.pauses, s.g.level, l.limit)
	}
	s.clock += (s.now - s.read) * (1 + s.noise*(2*s.rng.Float64()-1))
	s.read = s.now
	s.g.tick(uint64(s.clock), s.received*s.frame)
	if s.g.step == 0 && s.g.level != s.settled {
		s.settled = s.g.level
		s.changes++
	}
}

// rate is messages per microsecond in a run of so many milliseconds.
func (s *gatherSim) rate(milliseconds float64) float64 {
	from, begin := s.received, s.now
	s.run(milliseconds)
	return float64(s.received-from) / (s.now - begin) * 1000
}

// rateAt is the rate at a fixed level.
func rateAt(t testing.TB, m machine, level int) float64 {
	s := newGatherSim(t, m)
	s.g.levels = s.g.levels[level : level+1]
	s.run(5)
	return s.rate(10)
}

// step is what a message takes in strict lock step, in nanoseconds.
func (m machine) step() float64 { return m.produce + m.consume + m.transfer + m.stall }

func (m machine) every(interval float64) machine {
	m.interval = interval
	return m
}

// meanLate is how long the messages of the last run took to be received, in nanoseconds.
func (s *gatherSim) meanLate() float64 { return s.late / max(1, float64(s.received-s.from)) }
