package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/result"
)

// fakeContest is what a made-up contestant is like.
type fakeContest struct {
	name    string
	ns      float64 // a message costs this much
	perByte float64
	rtt     float64 // busy; blocking costs 7 µs more
	limit   int     // of a message; 0: none
	idle    float64
}

var fakeContests = []fakeContest{
	{"shmpipe-posix", 8.2, 0.018, 270, 0, 310}, {"shmpipe-mpmc-posix", 24, 0.02, 350, 0, 330},
	{"c-ring", 6, 0.019, 180, 0, 1e6}, {"c-slots", 11, 0.02, 110, 0, 1e6}, {"gvisor-pipe", 14, 0.021, 120, 0, 1e6},
	{"vyukov", 17, 0.03, 210, 65536, 1e6}, {"shmipc", 410, 0.05, 9000, 0, 800}, {"prototype", 9.9, 0.02, 181, 0, 1e6},
	{"boost-mq", 240, 0.06, 2900, 65536, 900},
	{"pipe", 620, 0.25, 9100, 0, 190}, {"fifo", 640, 0.26, 9300, 0, 200}, {"unix-stream", 1100, 0.3, 11200, 0, 210},
	{"unix-seqpacket", 1300, 0.33, 11900, 131072, 215}, {"unix-dgram", 1350, 0.34, 12200, 131072, 212}, {"posix-mq", 900, 0.4, 10100, 8192, 180},
	{"sysv-mq", 830, 0.42, 9900, 8192, 185}, {"tcp-loopback", 2100, 0.36, 19900, 0, 260}, {"udp-loopback", 2500, 0.5, 21000, 65000, 270},
	{"eventfd-shm", 450, 0.03, 8200, 0, 230}, {"pipe-splice", 700, 0.15, 9500, 0, 190},
	{"zmq", 310, 0.3, 41000, 0, 1400}, {"nng", 5200, 0.5, 45000, 0, 1700}, {"grpc", 9100, 0.8, 98000, 0, 3100},
	{"nats", 2900, 0.9, 88000, 1 << 20, 5200}, {"net-rpc", 15000, 1.1, 61000, 0, 350},
}

var fakeSizes = []int{8, 64, 256, 1024, 4096, 65536, 1048576}

// fakeReport is of 25 contestants, 7 sizes and 7 rounds, with noise, gaps and errors, and always the same.
// Each caller has a copy, which it may change but for the trials' values.
func fakeReport(t testing.TB) *result.Report {
	t.Helper()
	fakeOnce.Do(func() { fakeMade = makeFake(t) })
	r := *fakeMade
	r.Absent, r.Trials = slices.Clone(r.Absent), slices.Clone(r.Trials)
	return &r
}

var (
	fakeOnce sync.Once
	fakeMade *result.Report
)

func makeFake(t testing.TB) *result.Report {
	f := &faker{random: rand.New(rand.NewPCG(1, 2)), t: t}
	f.report = &result.Report{
		Schema: result.Schema, Started: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), Ended: time.Date(2026, 11, 23, 9, 41, 0, 0, time.UTC),
		Complete: true, Dirt: []string{},
		Host: result.Host{CPU: "AMD EPYC (family 26)", CPUs: 2, L2: "1 MiB", L3: "32 MiB", Kernel: "Linux 6.18", Go: "go1.26.8", Clock: "tsc",
			Pinned: true, Version: "v0.3.0"},
		Plan: result.Plan{Name: "full", Sizes: fakeSizes, Rounds: 7, Command: "shmpipe bench -plan full"},
		Absent: []result.Absent{{Contestant: "iceoryx2", Why: "the library is not installed"},
			{Contestant: "aeron", Why: "no media driver: <script>alert(1)</script>"}},
	}
	for i := range 7 {
		floor := 95.0
		if i%3 == 2 {
			floor = 560
		}
		f.round(i, floor)
	}
	for _, c := range fakeContests {
		f.report.Plan.Contestants = append(f.report.Plan.Contestants, c.name)
	}
	return f.report
}

type faker struct {
	random *rand.Rand
	report *result.Report
	t      testing.TB
}

func (f *faker) noise(v float64) float64 { return v * math.Exp(f.random.NormFloat64()*0.06) }

func (f *faker) round(round int, floor float64) {
	f.report.Rounds = append(f.report.Rounds, result.Round{FloorBefore: floor, FloorAfter: floor * 1.02, Busy: 0.01})
	slow := 1.0
	if floor > 220 {
		slow = 3
	}
	add := func(c fakeContest, k result.Key, values map[string]float64) *result.Trial {
		tr := result.Trial{Contestant: c.name, Key: k, Round: round, FloorNS: floor, Values: values}
		if c.limit > 0 && k.Size > c.limit {
			tr.Values, tr.Skipped = nil, fmt.Sprintf("a message has at most %d bytes", c.limit)
		}
		if c.name == "nng" && k.Size == 1048576 {
			tr.Values, tr.Error = nil, "exit status 1: message 17 is torn"
		}
		f.report.Trials = append(f.report.Trials, tr)
		return &f.report.Trials[len(f.report.Trials)-1]
	}
	for _, c := range fakeContests {
		for _, wait := range []string{result.Busy, result.Block} {
			extra := 0.0
			if wait == result.Block {
				extra = 7000
			}
			for _, size := range fakeSizes {
				ns := f.noise((c.ns*(1+extra/60000) + c.perByte*float64(size)*math.Log2(2+float64(size)/4096)) * slow)
				add(c, result.Key{Mode: result.Throughput, Wait: wait, Size: size},
					map[string]float64{result.MessagesPerSecond: 1e9 / ns, result.CPUPerMessage: f.noise(ns * 1.9)})
				if c.name == "shmpipe-posix" {
					add(c, result.Key{Mode: result.Throughput, Wait: wait, Size: size, Batch: 16},
						map[string]float64{result.MessagesPerSecond: 1.2e9 / ns, result.CPUPerMessage: f.noise(ns * 1.5)})
				}
			}
			for _, size := range []int{64, 4096, 65536} {
				p50 := f.noise((c.rtt+extra*0.4)*slow) + c.perByte*float64(size)*2
				tr := add(c, result.Key{Mode: result.RoundTrip, Wait: wait, Size: size}, nil)
				f.latencies(tr, p50)
			}
			for _, load := range []int{10, 50, 90} {
				p50 := f.noise(c.rtt/2*slow) * (1 + math.Pow(float64(load)/60, 4))
				if c.ns < 1200 {
					add(c, result.Key{Mode: result.Load, Wait: wait, Size: 64, Load: load},
						map[string]float64{result.P50: p50, result.P99: f.noise(p50 * 40), result.Rate: 1e6})
				}
			}
			add(c, result.Key{Mode: result.Idle, Wait: wait}, map[string]float64{result.IdleCPU: f.noise(c.idle)})
		}
		add(c, result.Key{Mode: result.First, Wait: result.Block, Size: 64}, map[string]float64{result.FirstMessage: f.noise(90000 + c.rtt*30)})
		add(c, result.Key{Mode: result.Syscalls, Wait: result.Block, Size: 64}, map[string]float64{result.SyscallsPerMessage: c.ns / 1000})
		if strings.HasPrefix(c.name, "shmpipe") || strings.Contains("vyukov pipe posix-mq sysv-mq zmq unix-dgram", c.name) {
			for i, shape := range []string{"1x1", "2x2", "4x4", "1x4", "4x1"} {
				add(c, result.Key{Mode: result.Crowd, Wait: result.Busy, Size: 64, Shape: shape},
					map[string]float64{result.MessagesPerSecond: f.noise(1e9 / c.ns / float64(1+i) / slow)})
			}
			for _, n := range []string{"1", "8", "64"} {
				add(c, result.Key{Mode: result.Channels, Wait: result.Block, Size: 64, Shape: n},
					map[string]float64{result.MessagesPerSecond: f.noise(1e9 / c.ns / slow)})
			}
		}
	}
}

// latencies gives a trial a histogram with a tail, and what follows from it.
func (f *faker) latencies(tr *result.Trial, p50 float64) {
	if tr.Skipped != "" || tr.Error != "" {
		return
	}
	h := result.NewLatencies()
	for range 400 {
		v := p50 * (0.97 + 0.03*f.random.ExpFloat64())
		if f.random.Float64() < 0.02 {
			v *= 1 + 20*f.random.ExpFloat64()
		}
		h.Record(uint64(max(1, v)))
	}
	text, err := h.Encode()
	require.NoError(f.t, err)
	tr.Histogram = text
	tr.Values = map[string]float64{result.Mean: h.Mean()}
	for name, q := range map[string]float64{result.P50: 50, result.P90: 90, result.P99: 99, result.P999: 99.9, result.Max: 100} {
		tr.Values[name] = h.Percentile(q)
	}
}
