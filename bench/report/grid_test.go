package report

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"shmpipe/bench/result"
)

func TestDigits_AreThreeThatCount(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1.00", 9.996: "10.0", 12.34: "12.3", 99.96: "100", 999.6: "1,000", 12345: "12,300",
		1234567: "1,230,000", 0.05234: "0.0523", 0.0009996: "0.00100", -1500: "-1,500", 100: "100", 1000: "1,000"} {
		require.Equal(t, want, digits(v, decimals(v)))
	}
	require.Equal(t, "?", digits(math.NaN(), 0))
}

func TestUnits_FitTheValue(t *testing.T) {
	require.Equal(t, "114 M/s", perSecond.text(114.2e6))
	require.Equal(t, "1.00 M/s", perSecond.text(999_700))
	require.Equal(t, "270 ns", nanoseconds.text(270))
	require.Equal(t, "1.71 ms", nanoseconds.text(1705836))
	require.Equal(t, "0.500 ns", nanoseconds.text(0.5))
	require.Equal(t, "398 µs/s", microShare.text(398))
	require.Equal(t, "0.00120", plain.text(0.0012))
}

func TestSizes_AreInTheLargestWholeUnit(t *testing.T) {
	require.Equal(t, "8 B", sizeText(8))
	require.Equal(t, "1 KiB", sizeText(1024))
	require.Equal(t, "1500 B", sizeText(1500))
	require.Equal(t, "1 MiB", sizeText(1<<20))
}

func TestGrid_MarksTheBestAndSaysWhyAFigureIsMissing(t *testing.T) {
	b := newBook(fakeReport(t))
	p := b.parts(layouts[0])[0]
	require.Equal(t, "Throughput, busy", p.title())
	g := p.grids[0]
	require.Len(t, g.rows, len(fakeContests))
	require.Len(t, g.columns, len(fakeSizes))
	words := make(map[string]string)
	for r, row := range g.rows {
		for i, c := range row.cells {
			if c.ok {
				require.LessOrEqual(t, c.value, g.rows[g.columns[i].best].cells[i].value)
				require.LessOrEqual(t, c.low, c.value)
				require.GreaterOrEqual(t, c.high, c.value)
			}
		}
		if r > 0 && row.cells[0].ok {
			require.GreaterOrEqual(t, g.rows[r-1].cells[0].value, row.cells[0].value, "rows are sorted")
		}
		words[row.name] = row.cells[len(row.cells)-1].word
	}
	require.Equal(t, skippedWord, words["posix-mq"])
	require.Equal(t, failedWord, words["nng"])
	require.Empty(t, words["pipe"])
}

func TestGrid_ShowsOneGroupIfCoresWereNotMeasured(t *testing.T) {
	r := &result.Report{Complete: true, Trials: []result.Trial{{Contestant: "pipe", Key: result.Key{Mode: result.Throughput, Wait: result.Busy, Size: 8},
		Values: map[string]float64{result.MessagesPerSecond: 1e6}}}}
	b := newBook(r)
	require.Equal(t, []result.Cores{result.All}, b.groups)
	g := b.parts(layouts[0])[0].grids
	require.Len(t, g, 1)
	require.Equal(t, "Throughput, busy", g[0].title)
	require.Equal(t, "1.00", g[0].rows[0].cells[0].number())
	require.Empty(t, g[0].rows[0].cells[0].interval(), "one trial has none")
	require.Equal(t, -1, g[0].columns[0].best, "nobody to be better than")
}

func TestFamilies_FollowTheName(t *testing.T) {
	for name, want := range map[string]family{"shmpipe-posix": ours, "shmpipe": ours, "many-segments": ours, "sysv-sem": kernel, "mq-token": kernel, "pipe": kernel, "os.Pipe": kernel, "unix-stream": kernel,
		"posix-mq": kernel, "gvisor-pipe": sharedMemory, "c-ring": sharedMemory, "shmipc": sharedMemory, "grpc-unix": library, "zmq": library,
		"something new": sharedMemory} {
		require.Equal(t, want, familyOf(name), name)
	}
}

func TestLooks_CanBeToldApartAndRead(t *testing.T) {
	b := newBook(fakeReport(t))
	seen := make(map[look]string)
	for _, name := range b.names {
		l := b.looks[name]
		require.Empty(t, seen[l], "%s looks the same", name)
		seen[l] = name
		require.GreaterOrEqual(t, contrast(textColor(l.color)), 4.5, name)
	}
}

func TestSpread_KeepsNamesApartInOrderAndInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Float64Range(-50, 450), 1, 40).Draw(t, "want")
		for i := 1; i < len(want); i++ {
			want[i] = max(want[i], want[i-1])
		}
		const low, high, step = 0.0, 400.0, 12.5
		got := spread(want, step, low, high)
		require.Len(t, got, len(want))
		room := min(step, (high-low)/max(1, float64(len(want)-1)))
		for i, y := range got {
			require.GreaterOrEqual(t, y, low-1e-6)
			require.LessOrEqual(t, y, high+1e-6)
			if i > 0 {
				require.GreaterOrEqual(t, y-got[i-1], room-1e-6)
			}
		}
	})
}

func TestPercentiles_ComeFromAllRoundsOfTheGroup(t *testing.T) {
	k := result.Key{Mode: result.RoundTrip, Wait: result.Busy, Size: 64}
	trial := func(floor float64, value int64) result.Trial {
		h := result.NewLatencies()
		for range 1000 {
			h.Record(uint64(value))
		}
		text, err := h.Encode()
		require.NoError(t, err)
		return result.Trial{Contestant: "pipe", Key: k, FloorNS: floor, Histogram: text, Values: map[string]float64{result.P50: float64(value)}}
	}
	r := &result.Report{Trials: []result.Trial{trial(90, 100), trial(90, 1000), trial(700, 9000), {Contestant: "pipe", Key: k, FloorNS: 90, Histogram: "?"}}}
	h := newBook(r).histogram("pipe", k)
	require.EqualValues(t, 2000, h.Count(), "the far one is not of it, and the broken one cannot be read")
	points := newBook(r).percentileSeries(k)[0].points
	require.InDelta(t, 100, points[0].y, 1)
	require.InDelta(t, 1000, points[len(points)-1].y, 1)
	require.LessOrEqual(t, points[len(points)-1].x, math.Log10(2000))
}

func TestPercentiles_FallBackOnThoseThatTrialsName(t *testing.T) {
	k := result.Key{Mode: result.RoundTrip, Wait: result.Busy, Size: 64}
	r := &result.Report{Trials: []result.Trial{{Contestant: "pipe", Key: k, FloorNS: 90, Histogram: "broken",
		Values: map[string]float64{result.P50: 100, result.P99: 900}}}}
	points := newBook(r).percentileSeries(k)[0].points
	require.Equal(t, []point{{x: nines(0.5), y: 100}, {x: nines(0.99), y: 900}}, points)
}
