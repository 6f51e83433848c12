package ring

// gather decides how far the consumer stays behind while messages stream.
//
// A consumer that takes each message as soon as it is there polls the very line that the producer is writing, and both cores
// spend their time handing that line over: lock step. A consumer that leaves the line alone until some messages have gathered
// is several times as fast, and so is its producer. But at a moderate rate, which it could keep up with anyway, leaving
// messages to gather only makes them late. Neither the rate nor the backlog tells the two cases apart, because lock step makes
// both look small. So gather tries: it compares the rate at the present level with that of a neighbour, each in windows of
// its own, and keeps a higher level only if it yields clearly more. docs/gathering.md has the curves.
//
// It is pure arithmetic on what it is told: ticks and positions come in, a number of pauses comes out.
type gather struct {
	levels []gatherLevel
	level  int
	pauses uint32 // before the next look
	first  uint32 // pauses to begin with, a microsecond: several rounds of lock step

	looks    uint32  // since the clock was last read
	winLooks uint32  // since the window began
	winStart uint64  // ticks; 0: no window is open
	winFrom  uint64  // position
	window   uint64  // shortest window, ticks
	step     int     // of the trial; 0: none is on
	here     float64 // rates that the trial found at the present level
	there    float64 // and at the other
	other    int     // the level that is tried
	down     bool    // the trial before tried a lower level
	wait     uint32  // windows until the next trial
	patience uint32  // how long the next wait is
	rate     float64 // of the window before the last decision
}

// gatherLevel is how much to gather: looks aim at goal bytes, and never pause for longer than limit pauses.
type gatherLevel struct {
	goal  uint64
	limit uint32
}

const (
	windowMicroseconds = 40
	minWindowLooks     = 4
	largeLook          = 4096 // bytes; reading the clock costs nothing beside a look that gathered as many

	patienceFirst = 16   // windows: 0.6 ms
	patienceReset = 64   // windows: 2.5 ms
	patienceMax   = 4096 // windows: 0.16 s

	payUp   = 1.2  // to gather at all must yield this much more to be begun,
	payMore = 1.1  // a yet higher level this much more to be taken,
	payStay = 1.08 // and any level this much more than the one below to be kept
)

// Bounds on one gathering, in microseconds: the price in latency, paid only while the stream is faster for it.
var gatherGoals = [...]struct {
	goal         uint64
	microseconds uint64
}{
	{32 << 10, 8},
	{256 << 10, 64},
	{1 << 20, 200},
	{4 << 20, 800},
}

// newGather knows the capacity: to gather more than a quarter of it would soon make the producer wait for credit. PausesPerMicro and
// ticksPerMicro are those of this machine.
func newGather(capacity, pausesPerMicro, ticksPerMicro uint64) gather {
	g := gather{levels: []gatherLevel{{}}, window: windowMicroseconds * ticksPerMicro, wait: 1, patience: patienceFirst, first: uint32(pausesPerMicro)}
	for _, l := range gatherGoals {
		if l.goal <= capacity/4 {
			g.levels = append(g.levels, gatherLevel{l.goal, uint32(l.microseconds * pausesPerMicro)})
		}
	}
	return g
}

// aim is how many bytes a look should find, or 0 where it should not wait for more than one message.
func (g *gather) aim() uint64 { return g.levels[g.level].goal }

// idle is told that the consumer slept: rates across that mean nothing.
func (g *gather) idle() {
	g.winStart, g.pauses, g.looks = 0, 0, 0
}

// looked is told what a look found: bytes that had gathered, and the size of the frame that was consumed last. It reports whether the
// clock should be read and given to tick.
func (g *gather) looked(gathered, frame uint64) bool {
	g.adjust(gathered, frame)
	g.looks++
	g.winLooks++
	if gathered < largeLook && g.looks < 16 {
		return false
	}
	g.looks = 0
	return true
}

// adjust moves the pause towards the one that gathers the goal: up by half while too little gathers, down by an eighth when
// more than twice the goal does, to nothing when a look finds a single message, as in ping-pong.
func (g *gather) adjust(gathered, frame uint64) {
	l := g.levels[g.level]
	switch {
	case l.goal == 0 || gathered <= frame:
		g.pauses = 0
	case gathered < l.goal:
		g.pauses = min(l.limit, g.pauses+1+g.pauses/2)
	case gathered > 2*l.goal:
		g.pauses -= min(g.pauses, 1+g.pauses/8)
	}
}

// tick is told the time and how far the consumer has come. It ends the window if that is long enough.
func (g *gather) tick(now, position uint64) {
	if g.winStart == 0 {
		g.winStart, g.winFrom, g.winLooks = now, position, 0
		g.nudge()
		return
	}
	elapsed := now - g.winStart
	if elapsed < g.window || g.winLooks < minWindowLooks && elapsed < 64*g.window {
		return
	}
	rate := float64(position-g.winFrom) / float64(elapsed)
	g.winStart, g.winFrom, g.winLooks = now, position, 0
	g.ended(rate)
	g.nudge()
}

// nudge makes the first pause of a window of a level that gathers. In strict lock step each look finds a single message, as in ping-pong;
// only a pause tells them apart: it gathers several in the one and none in the other.
func (g *gather) nudge() {
	if g.pauses == 0 && g.aim() > 0 {
		g.pauses = g.first
	}
}

// ended is told the rate of a window. A trial takes six: here, (settle), there, there, (settle), here; so that a slow drift of the
// machine weighs on both levels alike.
func (g *gather) ended(rate float64) {
	if len(g.levels) == 1 {
		return
	}
	switch g.step {
	case 0:
		if g.resting(rate) {
			return
		}
		g.other = g.neighbour()
		g.here, g.there = rate, 0
		g.swap()
	case 2:
		g.there += rate
	case 3:
		g.there += rate
		g.swap()
	case 5:
		g.here += rate
		g.decide(rate)
		return
	}
	g.step++
}

// resting counts down to the next trial. A rate far from the one at the last decision is another regime: then what was learned
// does not hold, and a consumer that gathers what no longer streams would only be late.
func (g *gather) resting(rate float64) bool {
	if g.rate > 0 && (rate < g.rate/2 || rate > 2*g.rate) {
		g.rate = rate
		g.level, g.pauses = 0, 0
		g.patience = patienceReset
		g.wait = min(g.wait, patienceReset)
	}
	if g.wait == 0 {
		return false
	}
	g.wait--
	return true
}

// neighbour is the level to try: the next higher and the next lower in turn.
func (g *gather) neighbour() int {
	g.down = !g.down
	if g.level == 0 {
		g.down = false
	} else if g.level == len(g.levels)-1 {
		g.down = true
	}
	if g.down {
		return g.level - 1
	}
	return g.level + 1
}

func (g *gather) swap() {
	g.level, g.other = g.other, g.level
	g.pauses = 0
}

// decide ends a trial.
func (g *gather) decide(rate float64) {
	g.step = 0
	pay := payMore
	if g.level == 0 {
		pay = payUp
	}
	move := g.there > pay*g.here
	if g.other < g.level {
		move = payStay*g.there > g.here
	}
	if move {
		g.swap()
		g.patience = patienceFirst
	} else {
		g.patience = min(2*g.patience, patienceMax)
	}
	g.wait = g.patience
	g.rate = rate
	if move {
		g.rate = g.there / 2
	}
}
