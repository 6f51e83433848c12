package main

import "strconv"

var titles = map[string]string{
	"thr":   "One way, message at a time, read in place (million messages a second)",
	"batch": "One way, in batches of 16, read in place (million messages a second)",
	"copy":  "One way, message at a time, copied out (million messages a second)",
	"rtt":   "Round trip, busy (ns, p50)",
	"block": "Round trip, 64 B, both sides asleep in turn (ns, p50)",
	"load":  "Latency under load, 64 B, from the intended send time (ns)",
	"idle":  "CPU time of a consumer that waits on an empty ring for 2 s (µs)",
}

var comparisons = map[string]func(settings) []contest{
	"thr":   func(s settings) []contest { return s.throughput("1") },
	"batch": func(s settings) []contest { return append(s.throughput("16"), s.single()...) },
	"copy":  settings.copied,
	"rtt":   settings.roundTrips,
	"block": settings.blocking,
	"load":  settings.underLoad,
	"idle":  settings.idle,
}

// count is enough messages of that size for a run of 50 to 500 ms.
func (s settings) count(size int) string {
	n := 6_000_000
	switch {
	case size >= 65536:
		n = 40_000
	case size >= 4096:
		n = 400_000
	case size >= 512:
		n = 1_500_000
	case size > 64:
		n = 3_000_000
	}
	return strconv.Itoa(max(1000, n/s.quick))
}

func (s settings) throughput(batch string) []contest {
	var all []contest
	for _, size := range s.sizes {
		b := strconv.Itoa(size)
		add := func(name, program string, env ...string) {
			all = append(all, contest{name, b, []string{program, "thr", b, s.count(size), batch}, env, "msgs_per_s"})
		}
		add("shmpipe", duel)
		add("C ring", cRing)
		add("C slots", cSlots)
		if size == 8 {
			add("C slots of 8 B", cSlots, "PACKED=1")
		}
		add("gVisor pipe", gvisor)
		add("gVisor pipe, 64 PAUSE when empty", gvisor, "PAUSES=64")
		if batch == "1" {
			add("prototype", prototype)
		}
	}
	return all
}

// single puts shmpipe without batches beside the batches: out of as many buffers as a batch has messages, so that both read as much memory, and
// out of one, which stays in the nearest cache.
func (s settings) single() []contest {
	var all []contest
	for _, size := range s.sizes {
		b := strconv.Itoa(size)
		args := []string{duel, "thr", b, s.count(size)}
		all = append(all,
			contest{"shmpipe, message at a time", b, args, []string{"SOURCES=16"}, "msgs_per_s"},
			contest{"shmpipe, message at a time, from one buffer", b, args, nil, "msgs_per_s"})
	}
	return all
}

func (s settings) copied() []contest {
	var all []contest
	for _, size := range s.sizes {
		b := strconv.Itoa(size)
		for _, c := range []struct{ name, program string }{
			{"shmpipe", duel}, {"C ring", cRing}, {"gVisor pipe", gvisor}, {"prototype", prototype}, {"memcpy pair", cMemcpy},
		} {
			all = append(all, contest{c.name, b, []string{c.program, "thr", b, s.count(size)}, []string{"COPY=1"}, "msgs_per_s"})
		}
	}
	return all
}

func (s settings) roundTrips() []contest {
	var all []contest
	for _, size := range s.sizes {
		b, n := strconv.Itoa(size), strconv.Itoa(max(2000, min(100_000, 40_000_000/size)/s.quick))
		for _, c := range []struct{ name, program string }{
			{"shmpipe", duel}, {"raw cache line (floor)", cPingPong}, {"C ring", cRing}, {"C slots", cSlots}, {"gVisor pipe", gvisor}, {"prototype", prototype},
		} {
			all = append(all, contest{c.name, b, []string{c.program, "rtt", b, n}, nil, "p50_ns"})
		}
	}
	return all
}

func (s settings) blocking() []contest {
	n := strconv.Itoa(20_000 / s.quick)
	var all []contest
	for _, pinned := range []struct {
		column string
		env    []string
	}{{"pinned", nil}, {"not pinned", []string{"UNPINNED=1"}}} {
		for _, f := range []string{"p50_ns", "p99_ns"} {
			column := pinned.column + ", " + f[:3]
			all = append(all,
				contest{"shmpipe, block", column, []string{duel, "rtt", "64", n}, append([]string{"WAIT=block"}, pinned.env...), f},
				contest{"os.Pipe", column, []string{duel, "pipe", "64", n}, pinned.env, f})
		}
	}
	return all
}

// underLoad runs at 10, 50 and 90 % of the rate at which shmpipe saturates, measured first.
func (s settings) underLoad() []contest {
	saturation, err := contest{args: []string{duel, "thr", "64", "5000000"}, field: "msgs_per_s"}.run()
	if err != nil {
		saturation = 10e6
	}
	// A sender that reads the clock for each message saturates earlier than one that does not.
	if paced, err := (contest{args: []string{duel, "load", "64", "3000000", "1000000000"}, field: "rate"}).run(); err == nil {
		saturation = min(saturation, paced)
	}
	var all []contest
	for _, percent := range []int{10, 50, 90} {
		rate := int(saturation) * percent / 100
		n := strconv.Itoa(max(20_000, rate/4/s.quick))
		for _, f := range []string{"p50_ns", "p99_ns"} {
			for _, w := range []string{"adaptive", "spin", "block", "poll"} {
				name := "shmpipe, " + w
				if w == "poll" {
					name = "shmpipe, plain polling"
				}
				column := strconv.Itoa(percent) + " %, " + f[:3]
				all = append(all, contest{name, column, []string{duel, "load", "64", n, strconv.Itoa(rate)}, []string{"WAIT=" + w}, f})
			}
		}
	}
	return all
}

func (s settings) idle() []contest {
	return []contest{
		{"shmpipe, adaptive", "CPU time", []string{duel, "idle", "2000"}, nil, "cpu_us"},
		{"shmpipe, block", "CPU time", []string{duel, "idle", "2000"}, []string{"WAIT=block"}, "cpu_us"},
	}
}
