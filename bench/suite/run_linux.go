package suite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"shmpipe/bench/result"
)

type runner struct {
	plan     Plan
	limit    time.Duration
	work     string // folder for samples
	strace   string
	pingpong string // measures the floor; "": nobody but ourselves
	cpus     []int  // on which contestants run
	report   *result.Report
	progress Progress
	hung     bool              // a program was killed in this round
	hangs    map[string]string // in what a contestant was killed
}

// Run measures. At the end of ctx it stops and returns what it has, marked as incomplete, and no error.
func Run(ctx context.Context, s Settings) (*result.Report, error) {
	if s.Limit == 0 {
		s.Limit = usualLimit
	}
	if s.Seed == 0 {
		s.Seed = rand.Uint64()
	}
	if s.Progress == nil {
		s.Progress = silent{}
	}
	chosen, err := s.Plan.chosen(s.Catalogue)
	if err != nil {
		return nil, err
	}
	work, err := temporary()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	r := &runner{plan: s.Plan, limit: s.Limit, work: work, strace: straceProgram(), progress: s.Progress, cpus: pinned(), report: &result.Report{
		Schema: result.Schema, Started: time.Now(), Host: describeHost(s.Version, s.Dirs), Plan: s.kept(),
	}}
	groups := s.Plan.groups(chosen)
	r.report.Absent = missing(s.Plan, chosen, groups)
	if len(groups) == 0 {
		return r.report, nobody(r.report.Absent)
	}
	r.chooseFloor(s.Dirs)
	n, err := clearAll()
	if err != nil {
		s.Progress.Say(err.Error())
	}
	if n > 0 {
		s.Progress.Say(fmt.Sprintf("removed %d objects that earlier runs had left", n))
	}
	s.Progress.Say(fmt.Sprintf("order of the contestants: seed %d", s.Seed))
	tried := r.rounds(ctx, groups, rand.New(rand.NewPCG(s.Seed, 0)))
	r.report.Ended, r.report.Complete = time.Now(), ctx.Err() == nil
	r.report.Dirt = judge(r.report, tried)
	if _, err := clearAll(); err != nil {
		s.Progress.Say(err.Error())
	}
	return r.report, nil
}

// kept is what a report says of the settings.
func (s *Settings) kept() result.Plan {
	p := s.Plan
	return result.Plan{Name: p.Name, Sizes: p.Sizes, Rounds: p.Rounds, Contestants: p.Contestants, Command: s.Command, Seed: s.Seed, Each: p.Each, Limit: s.Limit,
		Modes: p.Modes, Shapes: p.Shapes, Channels: p.Channels, LeftOut: p.leftOut(s.Catalogue)}
}

// rounds goes over all groups, again and again. It returns the share of the CPUs' time that something else took before the first round.
func (r *runner) rounds(ctx context.Context, groups []group, random *rand.Rand) (tried float64) {
	steps := 0
	for _, g := range groups {
		times := 1 // it is tried
		if g.key.Once() {
			times++
		} else {
			times += r.plan.Rounds
		}
		steps += times * len(g.contestants)
	}
	r.progress.Begin(steps)
	defer r.progress.End()
	start := readUsage(r.cpus)
	seats := make([][]seat, len(groups))
	for i, g := range groups {
		for _, c := range g.contestants {
			r.progress.Step(fmt.Sprintf("trying %s, %s", c.Name, keyText(g.key)))
			seats[i] = append(seats[i], r.try(ctx, g.key, c))
			if ctx.Err() != nil {
				return 0
			}
		}
	}
	if tried = readUsage(r.cpus).since(start).others(); r.hung {
		tried, r.hung = 0, false // what was killed is in nobody's account; the rounds have theirs
	}
	for round := range r.plan.Rounds {
		v := r.round(ctx, groups, seats, round, random)
		r.report.Rounds = append(r.report.Rounds, v)
		if ctx.Err() != nil {
			break
		}
		taken := fmt.Sprintf("%.0f %% of the CPUs' time taken by others", 100*max(v.Busy, v.BusyPinned))
		if v.BusyUnknown {
			taken = "a program hung, so nobody knows what others took"
		}
		r.progress.Say(fmt.Sprintf("round %d of %d: %s, %s", round+1, r.plan.Rounds, floorText(v), taken))
	}
	return tried
}

func floorText(v result.Round) string {
	if v.FloorBefore <= 0 || v.FloorAfter <= 0 { // see floor
		return "raw round trip not measured"
	}
	return fmt.Sprintf("raw round trip %.0f and %.0f ns", v.FloorBefore, v.FloorAfter)
}

// round is one pass over all groups.
func (r *runner) round(ctx context.Context, groups []group, seats [][]seat, round int, random *rand.Rand) (v result.Round) {
	start := readUsage(r.cpus)
	var alone usage // of the contestants that keep to the pinned CPUs
	v.FloorBefore = r.floor(ctx)
	for i, g := range groups {
		if g.key.Once() && round > 0 {
			continue
		}
		before := readUsage(r.cpus)
		r.group(ctx, g.key, seats[i], round, random)
		if g.key.Mode != result.Crowd { // which takes all CPUs
			alone = alone.add(readUsage(r.cpus).since(before))
		}
		if ctx.Err() != nil {
			break
		}
	}
	v.FloorAfter = r.floor(ctx)
	if r.hung { // what it used before it was killed is in nobody's account, and would count as others'
		v.BusyUnknown, r.hung = true, false
		return v
	}
	v.Busy, v.BusyPinned = readUsage(r.cpus).since(start).others(), alone.othersPinned()
	return v
}

// group runs the contestants of one key one after the other, between two looks at the floor.
func (r *runner) group(ctx context.Context, k result.Key, seats []seat, round int, random *rand.Rand) {
	order := random.Perm(len(seats))
	floor := r.floor(ctx)
	first := len(r.report.Trials)
	for _, i := range order {
		s := seats[i]
		if s.why != nil && round > 0 {
			continue // it has been said
		}
		if s.why == nil {
			if s.why = r.outOfPlay(s.Contestant); s.why != nil {
				seats[i].why = s.why
			}
		}
		r.progress.Step(fmt.Sprintf("%s, %s", s.Name, keyText(k)))
		t := r.trial(ctx, k, s)
		if ctx.Err() != nil {
			break // killed in the middle
		}
		t.Round = round
		r.report.Trials = append(r.report.Trials, t)
	}
	floor = max(floor, r.floor(ctx))
	for i := range r.report.Trials[first:] {
		r.report.Trials[first+i].FloorNS = floor
	}
}

func keyText(k result.Key) string {
	text := fmt.Sprintf("%s %d B %s", k.Mode, k.Size, k.Wait)
	if k.Batch > 1 {
		text += fmt.Sprintf(" in batches of %d", k.Batch)
	}
	if k.Load > 0 {
		text += fmt.Sprintf(" at %d %%", k.Load)
	}
	if k.Shape != "" {
		text += " " + k.Shape
	}
	return text
}
