package crowd

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"shmpipe/bench/internal/host"
)

// comparison is what compare was asked for.
type comparison struct {
	job      // what all runs share
	contests []string
	shapes   []shape
	sizes    []int
	rounds   int
	messages int
	base     string
	launch   launch
	log      io.Writer // a line for each run
}

// outcome is one run of a comparison.
type outcome struct {
	result
	round int
	floor float64 // raw round trip of a cache line, ns: the larger of before and after the heat; 0 if not measured
	err   error
}

// compare runs all contestants in all shapes and sizes, interleaved, and prints tables.
func compare(ctx context.Context, prefix, args []string, stdout, stderr io.Writer) error {
	c, seed, err := parseComparison(args, stderr)
	if err != nil {
		return err
	}
	c.launch.prefix = prefix
	fmt.Fprintf(stdout, "%s\n\nSeed %d, %d rounds, rings of %d bytes, shmpipe waits: %s, pinned: %v.\n\n", machine(), seed, c.rounds, c.Ring, c.Wait, !c.Unpinned)
	before := host.ReadLoad()
	all := c.run(ctx, rand.New(rand.NewPCG(seed, 0)))
	fmt.Fprint(stdout, report(all, c.base), host.ReadLoad().Since(before))
	return context.Cause(ctx)
}

func parseComparison(args []string, stderr io.Writer) (comparison, uint64, error) {
	c := comparison{log: stderr}
	set := flag.NewFlagSet("crowd compare", flag.ContinueOnError)
	set.SetOutput(stderr)
	limit, err := c.flags(set)
	if err != nil {
		return c, 0, err
	}
	contests := set.String("contests", usual, "contestants; those of one producer and one consumer run in 1x1 only")
	shapes := set.String("shapes", "1x1,2x2,4x4", "producers x consumers")
	sizes := set.String("sizes", "64", "bytes of a message, multiples of 8")
	set.IntVar(&c.rounds, "rounds", 7, "rounds")
	set.IntVar(&c.messages, "messages", 8_000_000, "messages of a run, of all producers together; fewer in proportion above 64 bytes")
	set.StringVar(&c.base, "base", "vyukov", "the contestant that ratios are to")
	seed := set.Uint64("seed", uint64(time.Now().UnixNano()), "of the random order")
	if err := set.Parse(args); err != nil {
		return c, 0, mistake{err}
	}
	c.launch.limit, c.contests = *limit, strings.Split(*contests, ",")
	for _, text := range strings.Split(*shapes, ",") {
		s, err := parseShape(text)
		if err != nil {
			return c, 0, mistake{err}
		}
		c.shapes = append(c.shapes, s)
	}
	for _, text := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil {
			return c, 0, mistakef("size %q: want a number", text)
		}
		c.sizes = append(c.sizes, n)
	}
	for _, name := range c.contests { // a mistake comes out now, not after a minute
		for _, size := range c.sizes {
			if err := c.of(name, shape{1, 1}, size).check(); err != nil {
				return c, 0, err
			}
		}
	}
	return c, *seed, nil
}

// of is one run.
func (c comparison) of(name string, s shape, size int) job {
	j := c.job
	j.Name, j.Shape, j.Size = name, s, size
	total := c.messages
	if size > line {
		total = total * line / size
	}
	j.Count = max(1000, total/s.Producers)
	return j
}

// run runs the rounds. A round has a heat for each shape and size, in which the contestants run one after the other, in random order:
// what they have in common is the state that the machine is in. When the context ends, it returns what was measured until then.
func (c comparison) run(ctx context.Context, random *rand.Rand) []outcome {
	var all []outcome
	for round := range c.rounds {
		for _, i := range random.Perm(len(c.shapes) * len(c.sizes)) {
			heat := c.heat(ctx, c.shapes[i/len(c.sizes)], c.sizes[i%len(c.sizes)], random)
			for _, o := range heat {
				o.round = round
				fmt.Fprintln(c.log, o)
				all = append(all, o)
			}
		}
	}
	return all
}

func (c comparison) heat(ctx context.Context, s shape, size int, random *rand.Rand) []outcome {
	var heat []outcome
	before := host.Floor()
	for _, i := range random.Perm(len(c.contests)) {
		j := c.of(c.contests[i], s, size)
		if contestants[j.Name].alone() && s.processes() > 2 {
			continue
		}
		if ctx.Err() != nil {
			break
		}
		r, err := c.launch.run(ctx, j)
		if err != nil {
			r.job = j
		}
		heat = append(heat, outcome{result: r, err: err})
	}
	ns := max(before, host.Floor())
	for i := range heat {
		heat[i].floor = ns
	}
	return heat
}

func (o outcome) String() string {
	if o.err != nil {
		return fmt.Sprintf("round %d: %v", o.round, o.err)
	}
	return fmt.Sprintf("round %d, raw round trip %.0f ns: %v", o.round, o.floor, o.result)
}

// usual are the contestants of a comparison that names none.
const usual = "vyukov,vyukov-yield,mpmc,mpmc-copy,mpmc-batch,spsc"
