package report

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

// rounds is a report with so many rounds on near and far cores, of one contestant.
func rounds(near, far int) *result.Report {
	r := &result.Report{Complete: true, Host: result.Host{CPUs: 2}}
	for i := range near + far {
		floor := 90.0
		if i >= near {
			floor = 600
		}
		r.Rounds = append(r.Rounds, result.Round{FloorBefore: floor, FloorAfter: floor})
		r.Trials = append(r.Trials, result.Trial{Contestant: "pipe", Key: result.Key{Mode: result.Throughput, Wait: result.Busy, Size: 64}, Round: i, FloorNS: floor,
			Values: map[string]float64{result.MessagesPerSecond: 1e6 + float64(i)}})
	}
	return r
}

func TestSpread_PromisesNoMoreThanTheRoundsGive(t *testing.T) {
	for want, r := range map[string]*result.Report{
		"range of 1 round":                                rounds(1, 0),
		"range of 2 rounds (50 % confidence)":             rounds(0, 2),
		"range of 5 rounds (93 % confidence)":             rounds(5, 0),
		"96 % confidence interval of 6 rounds":            rounds(6, 0),
		"96 to 98 % confidence interval of 6 to 7 rounds": rounds(6, 7),
		"range of 2 to 5 rounds (50 to 93 % confidence)":  rounds(5, 2),
		"50 to 99 % confidence interval of 2 to 8 rounds": rounds(8, 2),
	} {
		require.Equal(t, want, newBook(r).spread())
	}
	split := rounds(5, 0)
	for i := range split.Trials { // another key, which the processors' move cut in two: its rounds are two and three
		other := split.Trials[i]
		other.Key.Size = 4096
		if i < 2 {
			other.FloorNS = 600
		}
		split.Trials = append(split.Trials, other)
	}
	require.Equal(t, "range of 2 to 5 rounds (50 to 93 % confidence)", newBook(split).spread())
	alone := rounds(5, 1)
	require.Equal(t, "range of 5 rounds (93 % confidence)", newBook(alone).spread(), "a single far one has no range")
	require.Contains(t, terminalText(t, rounds(2, 0), 0, false), "with the range of 2 rounds (50 % confidence); *")
}

func TestStamp_SaysWhereAndWithWhat(t *testing.T) {
	r := rounds(1, 0)
	r.Host.Pinned, r.Host.PinnedTo, r.Host.Apart = true, []int{0, 8}, "SMT siblings"
	r.Host.FloorBy, r.Host.Compiler, r.Host.Flags, r.Host.Libraries = "Go", "GCC: 12.2.0", "-O2", []string{"libzmq.so.5.2.4", "grpc v1.85.0"}
	r.Plan.Name, r.Plan.LeftOut = "quick", []string{"tcp", "grpc"}
	text := terminalText(t, r, 0, false)
	require.Contains(t, text, "pinned to CPUs 0 and 8 SMT siblings")
	require.Contains(t, text, "\nraw round trip measured by Go; contestants in C: GCC: 12.2.0 with -O2 (or what the builder said); libzmq.so.5.2.4, grpc v1.85.0.\n")
	require.Contains(t, text, "\nPlan quick leaves out tcp, grpc.\n")
	require.Contains(t, markdownText(t, r), "Plan quick leaves out tcp, grpc.")
	require.Contains(t, pageFiles(t, r)["index.html"], "Plan quick leaves out tcp, grpc")
}

func TestOneCore_IsNotFar(t *testing.T) {
	r := rounds(0, 2)
	r.Host.CPUs = 1
	text := terminalText(t, r, 0, false)
	require.Contains(t, text, "Throughput, busy, one core\n")
	require.NotContains(t, text, "cores far")
}

func TestRounds_SayWhatIsNotKnown(t *testing.T) {
	r := rounds(2, 0)
	r.Rounds[0].BusyUnknown, r.Rounds[1].BusyPinned = true, 0.25
	html := pageFiles(t, r)["index.html"]
	require.Contains(t, html, "<td>not known</td>")
	require.Contains(t, html, "<td>25.0 %</td>")
}
