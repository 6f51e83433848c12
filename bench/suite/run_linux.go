package suite

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"shmpipe/bench/contest"
	"shmpipe/bench/result"
)

type runner struct {
	plan     Plan
	limit    time.Duration
	work     string // folder for samples
	strace   string
	pingpong string
	report   *result.Report
	progress Progress
	hung     bool              // a contestant was killed in this round
	hangs    map[string]string // in what a contestant was killed
}

// Run measures. At the end of ctx it stops and returns what it has, marked as incomplete, and no error.
func Run(ctx context.Context, s Settings) (*result.Report, error) {
	if s.Limit == 0 {
		s.Limit = 20 * time.Second
	}
	if s.Seed == 0 {
		s.Seed = rand.Uint64()
	}
	if s.Progress == nil {
		s.Progress = silent{}
	}
	chosen, unknown := s.Plan.chosen(s.Catalogue)
	if len(unknown) > 0 {
		return nil, fmt.Errorf("%w: no contestant is called %s; `shmpipe bench --list` has their names", ErrNobody, unknown[0])
	}
	work, err := temporary()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	r := &runner{plan: s.Plan, limit: s.Limit, work: work, strace: straceProgram(), progress: s.Progress, report: &result.Report{
		Schema: result.Schema, Started: time.Now(), Host: describeHost(s.Version),
		Plan: result.Plan{Name: s.Plan.Name, Sizes: s.Plan.Sizes, Rounds: s.Plan.Rounds, Contestants: s.Plan.Contestants, Command: s.Command},
	}}
	if program := filepath.Join(s.Dirs.C, "pingpong"); absent(program) == "" {
		r.pingpong = program
	}
	for _, c := range chosen {
		if c.Absent != "" {
			r.report.Absent = append(r.report.Absent, result.Absent{Contestant: c.Name, Why: c.Absent})
		}
	}
	groups := s.Plan.groups(chosen)
	r.report.Absent = append(r.report.Absent, s.Plan.leftOut(chosen, groups)...)
	if len(groups) == 0 {
		why := "none of the contestants can take part here"
		for _, a := range r.report.Absent {
			why += fmt.Sprintf("; %s: %s", a.Contestant, a.Why)
		}
		return r.report, fmt.Errorf("%w: %s", ErrNobody, why)
	}
	n, err := contest.ClearStaleSysV(os.TempDir(), alive) // first: it goes by files that clearStale removes
	if err != nil {
		s.Progress.Say(err.Error())
	}
	if n += clearStale(everywhere); n > 0 {
		s.Progress.Say(fmt.Sprintf("removed %d objects that earlier runs had left", n))
	}
	load := loadAverage()
	s.Progress.Say(fmt.Sprintf("order of the contestants: seed %d", s.Seed))
	r.rounds(ctx, groups, rand.New(rand.NewPCG(s.Seed, 0)))
	r.report.Ended, r.report.Complete = time.Now(), ctx.Err() == nil
	r.report.Dirt = judge(r.report, load)
	if _, err := contest.ClearStaleSysV(os.TempDir(), alive); err != nil { // before clearStale, which removes the notes
		s.Progress.Say(err.Error())
	}
	clearStale(everywhere)
	return r.report, nil
}

// rounds goes over all groups, again and again.
func (r *runner) rounds(ctx context.Context, groups []group, random *rand.Rand) {
	steps := 0
	for _, g := range groups {
		steps += len(g.contestants)
		if !once(g.key) {
			steps += r.plan.Rounds * len(g.contestants)
		} else {
			steps += len(g.contestants)
		}
	}
	r.progress.Begin(steps)
	defer r.progress.End()
	seats := make([][]seat, len(groups))
	for i, g := range groups {
		for _, c := range g.contestants {
			r.progress.Step(fmt.Sprintf("trying %s, %s", c.Name, keyText(g.key)))
			seats[i] = append(seats[i], r.try(ctx, g.key, c))
			if ctx.Err() != nil {
				return
			}
		}
	}
	for round := range r.plan.Rounds {
		before := readUsage()
		v := result.Round{FloorBefore: r.floor(ctx)}
		for i, g := range groups {
			if !once(g.key) || round == 0 {
				r.group(ctx, g.key, seats[i], round, random)
			}
			if ctx.Err() != nil {
				break
			}
		}
		v.FloorAfter, v.Busy = r.floor(ctx), readUsage().others(before)
		if r.hung { // what it used before it was killed is in nobody's account, and would count as others'
			v.Busy, v.BusyUnknown, r.hung = 0, true, false
		}
		r.report.Rounds = append(r.report.Rounds, v)
		if ctx.Err() != nil {
			return
		}
		r.progress.Say(fmt.Sprintf("round %d of %d: raw round trip %.0f and %.0f ns, %.0f %% of the CPUs' time taken by others", round+1, r.plan.Rounds, v.FloorBefore, v.FloorAfter, 100*v.Busy))
	}
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
			return // killed in the middle
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
