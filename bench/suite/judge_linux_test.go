package suite

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/internal/host"
	"shmpipe/bench/result"
)

// span is what /proc/stat said before and after, and what of that was ours, in seconds.
func span(before, after string, ours float64, cpus ...int) usage {
	u := usageOf(host.ParseStat(after), cpus).since(usageOf(host.ParseStat(before), cpus))
	u.ours = ours
	return u
}

func TestOthers_AreWhatTheMachineDidBesides(t *testing.T) {
	const before = "cpu  100 0 50 1000 10 5 5 0 0 0\n"
	after := "cpu  300 0 150 1600 10 5 5 100 0 0\n" // 1000 ticks, 400 of them busy or stolen
	require.InDelta(t, 0.2, span(before, after, 2).others(), 1e-9)
	require.Zero(t, span(before, after, 200).others())
	require.Zero(t, span(before, before, 1).others())
	require.Zero(t, span("", "", 0).othersPinned())
}

func TestOthersPinned_FindsAHogThatIsLittleOfTheWhole(t *testing.T) {
	const before = "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0\ncpu2 0 0 0 0 0 0 0 0\n"
	// Of 64 CPUs for ten seconds: a hog had half of CPU 0, and the contestants half of it and most of CPU 1.
	const after = "cpu  1900 0 0 62100 0 0 0 0 0 0\ncpu0 1000 0 0 0 0 0 0 0\ncpu1 900 0 0 100 0 0 0 0\ncpu2 0 0 0 1000 0 0 0 0\n"
	u := span(before, after, 14, 0, 1)
	require.InDelta(t, 500.0/64000, u.others(), 1e-9, "not much of 64 CPUs")
	require.InDelta(t, 0.25, u.othersPinned(), 1e-9)
	r := &result.Report{Host: result.Host{CPUs: 64}, Rounds: []result.Round{{Busy: u.others(), BusyPinned: u.othersPinned()}, {}}, Trials: []result.Trial{ran(100)}}
	require.Equal(t, []string{"in 1 of 2 rounds something else took more than 5 % of the two CPUs that the contestants ran on, at worst 25 %"}, judge(r, 0))
}

func TestJudge_SaysWhyFiguresAreNotClean(t *testing.T) {
	clean := &result.Report{Host: result.Host{CPUs: 2}, Rounds: []result.Round{{Busy: 0.01, BusyPinned: 0.05}}, Trials: []result.Trial{ran(100)}}
	require.Empty(t, judge(clean, 0.03))
	dirty := &result.Report{Host: result.Host{CPUs: 2}, Rounds: []result.Round{{Busy: 0.2, BusyPinned: 0.2}, {Busy: 0}}, Trials: []result.Trial{ran(100), ran(500)}}
	text := strings.Join(judge(dirty, 0.3), "\n")
	for _, want := range []string{"30 % of the CPUs' time when", "in 1 of 2 rounds", "at worst 20 %", "1 trials ran on cores that are near"} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "contestants ran on", "that has been said")
	unknown := &result.Report{Host: result.Host{CPUs: 2, FloorBy: "Go: GOMAXPROCS is 1"}, Trials: []result.Trial{ran(0)}}
	require.Equal(t, []string{"the raw round trip of a cache line was not measured (Go: GOMAXPROCS is 1), so nobody knows how far apart the cores were"}, judge(unknown, 0))
}

func TestJudge_GoesByTrialsThatHaveFigures(t *testing.T) {
	failed := result.Trial{FloorNS: 500, Error: "broken"}
	r := &result.Report{Host: result.Host{CPUs: 2, FloorBy: "Go: no"}, Trials: []result.Trial{ran(100), failed}}
	require.Empty(t, judge(r, 0), "who failed ran nowhere")
	r.Trials = append(r.Trials, ran(0), ran(0))
	require.Equal(t, []string{"the raw round trip of a cache line was not measured (Go: no) around 2 trials, so they are not in the tables of near and far cores"}, judge(r, 0))
	r.Trials = []result.Trial{{Error: "broken"}}
	require.Empty(t, judge(r, 0))
}

// ran is a trial that has a figure.
func ran(floor float64) result.Trial {
	return result.Trial{FloorNS: floor, Values: map[string]float64{result.MessagesPerSecond: 1}}
}

func TestJudge_KnowsThatOneCPUIsNotFarFromItself(t *testing.T) {
	r := &result.Report{Host: result.Host{CPUs: 1}, Trials: []result.Trial{ran(3000)}}
	require.Equal(t, []string{"there is one CPU: who spins keeps the other side from running"}, judge(r, 0))
}
