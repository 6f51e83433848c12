package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"time"

	"github.com/spf13/cobra"

	"shmpipe/bench/result"
	"shmpipe/bench/suite"
)

type benchOptions struct {
	app         *app
	quick, full bool
	sizes       []string
	contestants []string
	rounds      int
	json, out   string
	from        string
	update      []string
	list        bool
	seed        uint64
	limit       time.Duration
	given       func(flag string) bool // whether it is on the command line, with whatever value
}

func newBench(a *app) *cobra.Command {
	o := &benchOptions{app: a}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure this machine: shared memory against every other way",
		Long: `Runs shmpipe, every mechanism of the kernel, and what else was built (make bench-build in the repository) against each other: in two
processes each, round by round, so that a drift of the machine hits all alike. Every byte of every message is written, and every cache
line read and checked. What cannot run here says why.

It prints tables, and with --out writes a page with plots, the plots by themselves, and the raw figures. An interrupt ends it early; what was
measured until then is kept and marked. It says so too if the machine was busy with something else: then measure again.

Without --quick or --full it takes some ten minutes.`,
		Example: `  shmpipe bench --quick
  shmpipe bench --out report
  shmpipe bench --contestants shmpipe-posix,pipe,unix-stream --sizes 64,64KiB --rounds 11 --json results.json
  shmpipe bench --from results.json --out report`,
		Args: names(0, 0),
		RunE: o.run,
	}
	f := cmd.Flags()
	o.given = f.Changed
	f.BoolVar(&o.quick, "quick", false, "less than a minute: fewer contestants, sizes and rounds")
	f.BoolVar(&o.full, "full", false, "an hour: more sizes and rounds")
	f.StringSliceVar(&o.sizes, "sizes", nil, "bytes of a message, `SIZE,SIZE...`: multiples of 8, rising, at most 64MiB")
	f.StringSliceVar(&o.contestants, "contestants", nil, "only these, `NAME,NAME...`; see --list")
	f.IntVar(&o.rounds, "rounds", 0, "how often everything is measured; 0 = as planned")
	f.StringVar(&o.json, "json", "", "write the raw figures to this `FILE`")
	f.StringVar(&o.out, "out", "", "write a page with plots, the plots as SVG, and the raw figures to this `DIR`")
	f.StringVar(&o.from, "from", "", "measure nothing: read the raw figures of an earlier run from this `FILE`")
	f.StringSliceVar(&o.update, "update", nil, "put the tables between the markers of these Markdown `FILE`s")
	f.BoolVar(&o.list, "list", false, "list the contestants, and why some cannot take part")
	f.Uint64Var(&o.seed, "seed", 0, "of the contestants' order in a round; 0 = another each time")
	f.DurationVar(&o.limit, "limit", 20*time.Second, "end a contestant that takes longer")
	return cmd
}

func (o *benchOptions) run(cmd *cobra.Command, _ []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dirs := suite.FindDirs()
	all := suite.Catalogue(self, suite.Verbs{Contestant: contestVerb, Crowd: crowdVerb}, dirs)
	if o.list {
		return o.printList(all)
	}
	if err := o.checkFrom(); err != nil {
		return err
	}
	plan, err := o.plan()
	if err != nil {
		return err
	}
	if o.from == "" {
		if err := noContestants(plan.Check(all)); err != nil { // before a folder is made
			return err
		}
	}
	if err := o.checkTargets(); err != nil { // before anything is measured
		return err
	}
	var rep *result.Report
	if o.from != "" {
		rep, err = result.Read(o.from)
	} else {
		rep, err = o.measure(cmd.Context(), plan, all, dirs)
	}
	if err != nil {
		return err
	}
	if !rep.Complete && o.from == "" && len(rep.Trials) == 0 {
		return errInterrupted // what an earlier run found is better than nothing
	}
	if err := o.write(rep); err != nil {
		return err
	}
	if !rep.Complete && o.from == "" {
		return errInterrupted
	}
	for _, t := range rep.Trials {
		if t.Error != "" {
			return errFound
		}
	}
	return nil
}

func (o *benchOptions) measure(ctx context.Context, plan suite.Plan, all []suite.Contestant, dirs suite.Dirs) (*result.Report, error) {
	for o.seed == 0 { // here, and short: it is part of the command that makes such a run again
		o.seed = uint64(rand.Uint32())
	}
	s := suite.Settings{Plan: plan, Catalogue: all, Dirs: dirs, Limit: o.limit, Seed: o.seed, Version: versionText(), Command: o.command()}
	if !o.app.quiet {
		s.Progress = &benchProgress{app: o.app}
	}
	rep, err := suite.Run(ctx, s)
	return rep, noContestants(err)
}

// noContestants makes an error that there is nobody to run one of usage, and leaves others as they are.
func noContestants(err error) error {
	if errors.Is(err, suite.ErrNobody) {
		return &usageError{err, "`shmpipe bench --list` lists the contestants"}
	}
	return err
}

func (o *benchOptions) printList(all []suite.Contestant) error {
	t := newTable("NAME", "WHAT", "")
	seen := make(map[string]bool)
	for _, c := range all {
		if seen[c.Name] {
			continue // it is in the crowd as well
		}
		seen[c.Name] = true
		t.AppendRow([]any{c.Name, c.About, c.Absent})
	}
	return o.app.print(t.Render() + "\n")
}
