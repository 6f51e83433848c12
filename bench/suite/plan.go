package suite

import (
	"fmt"
	"slices"
	"time"

	"shmpipe/bench/result"
)

// Plan is what is to be measured.
type Plan struct {
	Name        string
	Sizes       []int
	Rounds      int
	Each        time.Duration // a trial's, about
	Contestants []string      // empty: all
	Modes       []string      // of package result
	Shapes      []string      // of crowds
	Channels    []int
}

var allModes = []string{result.Throughput, result.RoundTrip, result.Load, result.Idle, result.First, result.Crowd, result.Channels, result.Syscalls}

// Quick takes less than a minute.
func Quick() Plan {
	return Plan{
		Name: "quick", Sizes: []int{64, 4096}, Rounds: 2, Each: 25 * time.Millisecond,
		Contestants: []string{"shmpipe-posix", "shmpipe-mpmc-posix", "shmpipe-mpmc-memfd", "pipe", "unix-stream", "unix-seqpacket", "posix-mq", "sysv-mq", "ring", "pingpong", "mutex", "gvisor-pipe", "zmq", "vyukov"},
		Modes:       []string{result.Throughput, result.RoundTrip, result.Idle, result.Crowd},
		Shapes:      []string{"1x1", "2x2"},
	}
}

// Standard takes some ten minutes.
func Standard() Plan {
	return Plan{
		Name: "standard", Sizes: []int{8, 64, 256, 1024, 4096, 16384, 65536}, Rounds: 5, Each: 50 * time.Millisecond,
		Modes: allModes, Shapes: []string{"1x1", "2x2", "4x4", "4x1", "1x4"}, Channels: []int{16, 128},
	}
}

// Full takes an hour.
func Full() Plan {
	p := Standard()
	p.Name, p.Rounds, p.Each = "full", 15, 150*time.Millisecond
	p.Sizes = []int{8, 64, 128, 192, 256, 320, 512, 1024, 4096, 16384, 65536}
	return p
}

// group is all trials of one key in a round.
type group struct {
	key         result.Key
	contestants []*Contestant
}

// usual is the size of a message where one size has to do.
const usual = 64

// groups are what a plan measures.
func (p Plan) groups(all []*Contestant) []group {
	var keys []result.Key
	waits := [...]string{result.Busy, result.Block}
	small := p.Sizes[0]
	if slices.Contains(p.Sizes, usual) {
		small = usual
	}
	for _, m := range p.Modes {
		switch m {
		case result.Throughput:
			for _, w := range waits {
				for _, s := range p.Sizes {
					keys = append(keys, result.Key{Mode: m, Wait: w, Size: s})
				}
			}
			for _, s := range p.Sizes {
				if s <= 1024 {
					keys = append(keys, result.Key{Mode: m, Wait: result.Busy, Size: s, Batch: 16})
				}
			}
		case result.RoundTrip:
			for _, w := range waits {
				keys = append(keys, result.Key{Mode: m, Wait: w, Size: small})
				if last := p.Sizes[len(p.Sizes)-1]; last != small && p.Name != "quick" {
					keys = append(keys, result.Key{Mode: m, Wait: w, Size: last})
				}
			}
		case result.Load:
			for _, w := range waits {
				for _, percent := range [...]int{10, 50, 90} {
					keys = append(keys, result.Key{Mode: m, Wait: w, Size: small, Load: percent})
				}
			}
		case result.Idle, result.First:
			for _, w := range waits {
				keys = append(keys, result.Key{Mode: m, Wait: w, Size: small})
			}
		case result.Crowd:
			for _, s := range p.Shapes {
				keys = append(keys, result.Key{Mode: m, Wait: result.Busy, Size: small, Shape: s})
			}
		case result.Channels:
			for _, n := range p.Channels {
				keys = append(keys, result.Key{Mode: m, Wait: result.Busy, Size: small, Shape: fmt.Sprint(n)})
			}
		case result.Syscalls:
			for _, w := range waits {
				keys = append(keys, result.Key{Mode: m, Wait: w, Size: small})
			}
		}
	}
	var groups []group
	for _, k := range keys {
		g := group{key: k}
		for _, c := range all {
			if c.Absent == "" && c.has(k.Mode) {
				g.contestants = append(g.contestants, c)
			}
		}
		if len(g.contestants) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// Check says whether a plan names a contestant that there is not; the error matches ErrNobody.
func (p Plan) Check(all []Contestant) error {
	_, err := p.chosen(all)
	return err
}

// chosen are the contestants that a plan names.
func (p Plan) chosen(all []Contestant) (found []*Contestant, err error) {
	for i := range all {
		if len(p.Contestants) == 0 || slices.Contains(p.Contestants, all[i].Name) {
			found = append(found, &all[i])
		}
	}
	for _, n := range p.Contestants {
		if !slices.ContainsFunc(all, func(c Contestant) bool { return c.Name == n }) {
			return nil, fmt.Errorf("%w: no contestant is called %s; `shmpipe bench --list` has their names", ErrNobody, n)
		}
	}
	return found, nil
}
