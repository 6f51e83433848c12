// Command compare runs shmpipe against other rings, interleaved round by round in random order, so that a drift of the machine hits all
// alike, and prints medians, spreads and per-round ratios as Markdown. Before each run it measures the raw round trip of a cache line,
// and it reports near rounds (cores that share a cache) and far ones apart.
//
//	go run ./bench/compare -what thr,batch,rtt,copy,block,load,idle -rounds 10
//
// It runs the programs in bin/, bench/c/bin/ and bench/peers/bin/; make bench-build builds what can be built. A contestant that is not
// there is named with the reason.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"shmpipe/bench/internal/host"
)

type settings struct {
	what   []string
	sizes  []int
	rounds int
	seed   uint64
	quick  int // divides the number of messages
}

func main() {
	what := flag.String("what", "thr,batch,rtt", "comma-separated: thr, batch, rtt, copy, block, load, idle")
	sizes := flag.String("sizes", "8,64,128,192,256,320,512,1024,4096,65536", "message sizes in bytes")
	rounds := flag.Int("rounds", 7, "rounds of each comparison")
	seed := flag.Uint64("seed", uint64(time.Now().UnixNano()), "of the random order")
	quick := flag.Int("quick", 1, "divide the number of messages by this")
	out := flag.String("json", "", "write every single result to this file")
	flag.Parse()
	s := settings{what: strings.Split(*what, ","), rounds: *rounds, seed: *seed, quick: max(1, *quick)}
	for _, f := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(f)
		if err != nil || n < 8 {
			fmt.Fprintf(os.Stderr, "compare: size %q: want a number of at least 8\n", f)
			os.Exit(2)
		}
		s.sizes = append(s.sizes, n)
	}
	all, err := s.run()
	if err == nil && *out != "" {
		err = writeJSON(*out, all)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func (s settings) run() ([]result, error) {
	fmt.Printf("%s\n\nSeed %d, %d rounds.\n", host.Machine()+".", s.seed, s.rounds)
	random := rand.New(rand.NewPCG(s.seed, 0))
	var all []result
	for _, what := range s.what {
		contests, ok := comparisons[what]
		if !ok {
			return all, fmt.Errorf("nothing to compare under %q", what)
		}
		before := host.ReadLoad()
		results := s.compare(what, contests(s), random)
		all = append(all, results...)
		fmt.Printf("\n### %s\n\n%s%s", titles[what], table(what, results), host.ReadLoad().Since(before))
	}
	return all, nil
}

// compare runs the contests of one kind, in rounds.
func (s settings) compare(what string, contests []contest, random *rand.Rand) []result {
	var results []result
	var present []contest
	for _, c := range contests {
		if reason := c.absent(); reason != "" {
			results = append(results, result{What: what, Contest: c.name, Column: c.column, Error: reason})
			continue
		}
		present = append(present, c)
	}
	for round := range s.rounds {
		for _, i := range random.Perm(len(present)) {
			c := present[i]
			r := result{What: what, Contest: c.name, Column: c.column, Round: round}
			r.Floor = host.Floor()
			value, err := c.run()
			r.Value = value
			if after := host.Floor(); after > r.Floor {
				r.Floor = after
			}
			if err != nil {
				r.Error = err.Error()
			}
			results = append(results, r)
		}
		fmt.Fprintf(os.Stderr, "\r%s: round %d of %d ", what, round+1, s.rounds)
	}
	fmt.Fprintln(os.Stderr)
	return results
}

func writeJSON(path string, results []result) error {
	b, err := json.MarshalIndent(results, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}
