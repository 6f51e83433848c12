package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// large has messages whose copying counts.
var large = machine{produce: 60, consume: 50, transfer: 300, stall: 300, frame: protocol.FrameSize(1016), capacity: 16 << 20}

var machines = map[string]machine{"near": near, "far": far, "slow": slow, "buffered": buffered, "large": large}

// best is the rate at the best fixed level, in messages per microsecond.
func best(t testing.TB, m machine) float64 {
	r := 0.0
	for level := range newGatherSim(t, m).g.levels {
		r = max(r, rateAt(t, m, level))
	}
	return r
}

// plateau is how far from the best the climb may rest: above the first level that gathers there are two or three, and each is taken
// only if it yields payMore more than the one below; and trials cost a few percent.
const plateau = 0.9 / (payMore * payMore)

func TestGather_FindsALevelThatYieldsMoreAndStaysThere(t *testing.T) {
	for name, m := range machines {
		t.Run(name, func(t *testing.T) {
			s := newGatherSim(t, m)
			s.run(20)
			want := plateau * best(t, m)
			for range 5 {
				require.Greater(t, s.rate(20), want, "level %d", s.g.level)
			}
			s.run(100)
			require.Zero(t, s.changes)
			t.Logf("%.1f messages per microsecond at level %d, %.1f without gathering", s.rate(10), s.g.level, rateAt(t, m, 0))
		})
	}
}

func TestGather_LeavesAModerateRateAlone(t *testing.T) {
	for name, m := range machines {
		for _, interval := range []float64{1.5, 4, 100} { // times what a message takes without gathering
			t.Run(name, func(t *testing.T) {
				m := m.every(interval * m.step())
				s, plain := newGatherSim(t, m), newGatherSim(t, m)
				plain.g.levels = plain.g.levels[:1]
				s.run(200)
				plain.run(10)
				for range 2 {
					late, lateWithout := s.run(100).meanLate(), plain.run(20).meanLate()
					require.Zero(t, s.settled)
					require.Less(t, s.lost, 0.01*100e6, "ns of 100 ms")
					require.Less(t, late, 1.3*lateWithout+20, "ns")
				}
			})
		}
	}
}

func TestGather_LeavesPingPongAlone(t *testing.T) {
	for name, m := range machines {
		t.Run(name, func(t *testing.T) {
			m.pingPong = true
			s := newGatherSim(t, m)
			require.Less(t, s.run(5).lost, 0.1*5e6, "also in the beginning")
			s.run(50)
			require.Zero(t, s.settled)
			s.run(100)
			require.Zero(t, s.changes)
			require.Less(t, s.lost, 0.001*100e6, "ns of 100 ms")
		})
	}
}

func TestGather_KeepsUpWithBurstsAndPausesNoLongerThanItsBound(t *testing.T) {
	for name, m := range machines {
		for _, burst := range []uint64{1, 10, 1000, 30000} {
			t.Run(name, func(t *testing.T) {
				m.burst, m.silence = burst, 300e3 // longer than the consumer spins
				s, plain := newGatherSim(t, m), newGatherSim(t, m)
				plain.g.levels = plain.g.levels[:1]
				s.run(100)
				plain.run(100)
				allowed := 100.0  // ns
				if burst > 1000 { // a stream for some time: then it may gather, within its bound
					allowed = float64(s.g.levels[s.g.level].limit) * simPause
				}
				require.Less(t, s.meanLate(), 1.05*plain.meanLate()+allowed, "ns: gathering must not make bursts late")
				require.GreaterOrEqual(t, float64(s.received), 0.99*float64(plain.received)-float64(burst))
				require.LessOrEqual(t, s.changes, 40)
			})
		}
	}
}

func TestGather_AdaptsToAnotherRegime(t *testing.T) {
	const trial = 10 // milliseconds, for a change of the rate to be seen, tried and decided
	patience := float64(patienceMax) * windowMicroseconds / 1000
	for name, m := range machines {
		t.Run(name, func(t *testing.T) {
			s := newGatherSim(t, m)
			s.run(500)
			s.pingPong = true
			s.run(trial)
			s.run(10)
			require.Zero(t, s.settled, "ping-pong after a stream")
			require.Less(t, s.lost, 0.05*10e6)
			s.pingPong = false
			s.run(patience + trial)
			require.Greater(t, s.rate(10), plateau*best(t, m), "a stream after ping-pong")

			s.machine = m.every(20 * m.step())
			s.free = max(s.free, s.interval*float64(s.sent))
			s.run(trial)
			s.run(10)
			require.Zero(t, s.settled, "a trickle after a stream")
			require.Less(t, s.lost, 0.05*10e6)
		})
	}
	s := newGatherSim(t, near)
	s.run(300)
	for _, m := range []machine{far, near, large, buffered, near} { // the cores move apart, and so on
		s.machine = m
		s.run(patience + trial)
		require.Greater(t, s.rate(10), 0.9/payUp*best(t, m), "%+v", m)
	}
}

func TestGather_DoesNotFlapWithANoisyClock(t *testing.T) {
	for name, m := range machines {
		t.Run(name, func(t *testing.T) {
			s := newGatherSim(t, m)
			s.noise = 0.3
			s.run(30)
			require.Greater(t, s.rate(200), 0.85/payUp*best(t, m))
			require.LessOrEqual(t, s.changes, 8)

			s = newGatherSim(t, m.every(2*m.step()))
			s.noise = 0.3
			s.run(100)
			s.run(200)
			require.LessOrEqual(t, s.changes, 8)
			require.Less(t, s.lost, 0.05*200e6)
		})
	}
}

func TestNewGather_HasTheLevelsThatTheCapacityAllows(t *testing.T) {
	for capacity, levels := range map[uint64]int{
		protocol.MinCapacity: 1, 64 << 10: 1, 128 << 10: 2, 512 << 10: 2, 1 << 20: 3, 2 << 20: 3, 4 << 20: 4, 8 << 20: 4, 16 << 20: 5, 1 << 30: 5,
	} {
		g := newGather(capacity, 40, 1000)
		require.Len(t, g.levels, levels, "capacity %d", capacity)
		require.Zero(t, g.levels[0], "the first level does not gather")
		for _, l := range g.levels[1:] {
			require.LessOrEqual(t, l.goal, capacity/4)
			require.NotZero(t, l.limit)
		}
	}
}

func TestGather_OfASmallRingNeverPauses(t *testing.T) {
	m := near
	m.capacity = 64 << 10
	s := newGatherSim(t, m)
	s.run(50)
	require.Zero(t, s.paused)
	require.Zero(t, s.g.level)
}

// The counter of a virtual machine may jump, stand still, or run backwards.
func TestGather_SurvivesAnAbsurdClock(t *testing.T) {
	g := newGather(16<<20, 40, 1000)
	now, pos := uint64(0), uint64(0)
	for i := range uint64(200_000) {
		pos += i % 5000
		now += []uint64{0, 1, 50_000, ^uint64(0) - 1000, 1 << 63, 100_000}[i*i%6]
		if g.looked(i*i%100_000, 64) {
			g.tick(now, pos)
		}
		require.Less(t, g.level, len(g.levels))
		require.LessOrEqual(t, g.pauses, g.levels[g.level].limit)
		if i%1000 == 0 {
			g.idle()
			require.Zero(t, g.pauses)
		}
	}
}
