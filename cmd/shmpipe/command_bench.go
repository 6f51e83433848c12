package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	benchreport "shmpipe/bench/report"
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
	f.BoolVar(&o.quick, "quick", false, "less than a minute: fewer contestants, sizes and rounds")
	f.BoolVar(&o.full, "full", false, "an hour: more sizes and rounds")
	f.StringSliceVar(&o.sizes, "sizes", nil, "bytes of a message, `SIZE,SIZE...`, multiples of 8, rising")
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
	if err := o.check(cmd); err != nil { // before anything is measured
		return err
	}
	var rep *result.Report
	if o.from != "" {
		rep, err = result.Read(o.from)
	} else {
		rep, err = o.measure(cmd.Context(), all, dirs)
	}
	if err != nil {
		return err
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

// check refuses what would fail after the measurement.
func (o *benchOptions) check(cmd *cobra.Command) error {
	if o.limit <= 0 {
		return usagef("limit is %v, want more than 0", o.limit)
	}
	if cmd.Flags().Changed("sizes") && len(o.sizes) == 0 {
		return usagef("sizes are empty, want multiples of 8, rising")
	}
	if o.from != "" {
		for _, name := range [...]string{"quick", "full", "sizes", "contestants", "rounds", "seed", "limit"} {
			if cmd.Flags().Changed(name) {
				return usagef("--%s is for measuring, and --from measures nothing", name)
			}
		}
	}
	if o.out != "" {
		if err := writable(o.out); err != nil {
			return err
		}
	}
	if o.json != "" {
		if err := holdsFiles(filepath.Dir(o.json)); err != nil {
			return err
		}
	}
	for _, file := range o.update {
		f, err := os.OpenFile(file, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (o *benchOptions) measure(ctx context.Context, all []suite.Contestant, dirs suite.Dirs) (*result.Report, error) {
	plan, err := o.plan()
	if err != nil {
		return nil, err
	}
	s := suite.Settings{Plan: plan, Catalogue: all, Dirs: dirs, Limit: o.limit, Seed: o.seed, Version: versionText(), Command: o.command()}
	if !o.app.quiet {
		s.Progress = &benchProgress{app: o.app}
	}
	rep, err := suite.Run(ctx, s)
	if errors.Is(err, suite.ErrNobody) {
		return nil, &usageError{err, "`shmpipe bench --list` lists the contestants"}
	}
	return rep, err
}

func (o *benchOptions) plan() (suite.Plan, error) {
	plan := suite.Standard()
	switch {
	case o.quick && o.full:
		return plan, usagef("--quick and --full exclude each other")
	case o.quick:
		plan = suite.Quick()
	case o.full:
		plan = suite.Full()
	}
	if o.rounds < 0 {
		return plan, usagef("rounds is %d, want 1 or more", o.rounds)
	}
	if o.rounds > 0 {
		plan.Rounds = o.rounds
	}
	if len(o.contestants) > 0 {
		plan.Contestants = o.contestants
	}
	if len(o.sizes) > 0 {
		plan.Sizes = nil
		for _, text := range o.sizes {
			var n size
			if err := n.Set(text); err != nil {
				return plan, usagef("size %q: %v", text, err)
			}
			if n < 8 || n%8 != 0 || len(plan.Sizes) > 0 && int(n) <= plan.Sizes[len(plan.Sizes)-1] {
				return plan, usagef("sizes are %s, want multiples of 8, rising", strings.Join(o.sizes, ","))
			}
			plan.Sizes = append(plan.Sizes, int(n))
		}
	}
	return plan, nil
}

// command is what makes such a run again.
func (o *benchOptions) command() string {
	text := "shmpipe bench"
	for _, f := range [...]struct {
		on   bool
		flag string
	}{
		{o.quick, "--quick"}, {o.full, "--full"}, {len(o.sizes) > 0, "--sizes " + strings.Join(o.sizes, ",")},
		{len(o.contestants) > 0, "--contestants " + strings.Join(o.contestants, ",")}, {o.rounds > 0, fmt.Sprintf("--rounds %d", o.rounds)},
	} {
		if f.on {
			text += " " + f.flag
		}
	}
	return text
}

// write puts the report everywhere it is wanted. The figures come first: they cannot be had again.
func (o *benchOptions) write(rep *result.Report) error {
	var failed error
	if o.json != "" {
		failed = rep.Write(o.json)
	}
	if o.out != "" {
		failed = errors.Join(failed, benchreport.HTML(o.out, rep))
	}
	for _, file := range o.update {
		failed = errors.Join(failed, updateTables(file, rep))
	}
	width, colour := 0, false
	if isTerminal(o.app.out) {
		if w, _, err := term.GetSize(int(o.app.out.Fd())); err == nil {
			width, colour = w, os.Getenv("NO_COLOR") == ""
		}
	}
	failed = errors.Join(failed, benchreport.Terminal(o.app.out, rep, width, colour))
	if o.out != "" && failed == nil {
		o.app.say("see %s", filepath.Join(o.out, "index.html"))
	}
	return failed
}

// Markers in a Markdown file, and what stands between them.
var markers = [...]struct {
	name  string
	write func(*strings.Builder, *result.Report) error
}{
	{"bench small", func(b *strings.Builder, r *result.Report) error { return benchreport.Small(b, r) }},
	{"bench tables", func(b *strings.Builder, r *result.Report) error { return benchreport.Markdown(b, r) }},
}

// updateTables replaces what is between the markers that a file has.
func updateTables(file string, rep *result.Report) error {
	found := false
	for _, m := range markers {
		var b strings.Builder
		if err := m.write(&b, rep); err != nil {
			return err
		}
		err := benchreport.Inject(file, "<!-- begin "+m.name+" -->", "<!-- end "+m.name+" -->", []byte(b.String()))
		if err != nil && !errors.Is(err, benchreport.ErrMarker) {
			return err
		}
		found = found || err == nil
	}
	if !found {
		return fmt.Errorf("%s has none of the markers `<!-- begin %s -->` and `<!-- begin %s -->`, each with its end", file, markers[0].name, markers[1].name)
	}
	return nil
}

// writable makes the folder, and checks that files can be made there.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return holdsFiles(dir)
}

func holdsFiles(dir string) error {
	f, err := os.CreateTemp(dir, ".shmpipe-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
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

// benchProgress is a bar on a terminal, and lines elsewhere.
type benchProgress struct {
	app *app
	bar *progressbar.ProgressBar
}

func (p *benchProgress) Begin(steps int) {
	if isTerminal(p.app.err) {
		p.bar = progressbar.NewOptions(steps, progressbar.OptionSetWriter(p.app.err), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(20), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionShowCount())
	} else {
		p.app.say("%s trials", humanize.Comma(int64(steps)))
	}
}

func (p *benchProgress) Step(what string) {
	if p.bar != nil {
		p.bar.Describe(fmt.Sprintf("%-46.46s", what))
		_ = p.bar.Add(1) // a terminal that is gone shows nothing
	}
}

func (p *benchProgress) Say(line string) {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
	p.app.say("%s", line)
}

func (p *benchProgress) End() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
