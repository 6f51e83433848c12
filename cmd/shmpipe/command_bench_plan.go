package main

import (
	"fmt"
	"strings"

	"shmpipe/bench/suite"
)

// checkFrom refuses what --from would silently ignore: figures that were measured cannot be measured otherwise.
func (o *benchOptions) checkFrom() error {
	if o.from == "" {
		if o.given("from") {
			return usagef("--from is empty, want a file that --json wrote")
		}
		return nil
	}
	for _, flag := range [...]string{"quick", "full", "sizes", "contestants", "rounds", "seed", "limit"} {
		if o.given(flag) {
			return usagef("--from reads figures that were measured: --%s has no effect on them", flag)
		}
	}
	return nil
}

// mostSize is the largest message that is measured: each process of a crowd keeps one in memory, and no ring of the usual capacity
// takes a tenth of it.
const mostSize = 64 << 20

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
	if o.limit <= 0 {
		return plan, usagef("limit is %v, want more than 0", o.limit)
	}
	if o.rounds < 0 {
		return plan, usagef("rounds is %d, want 1 or more", o.rounds)
	}
	if o.rounds > 0 {
		plan.Rounds = o.rounds
	}
	if len(o.contestants) == 0 && o.given("contestants") {
		return plan, usagef("contestants are none, want names; `shmpipe bench --list` has them")
	}
	if len(o.contestants) > 0 {
		plan.Contestants = o.contestants
	}
	if len(o.sizes) == 0 && o.given("sizes") {
		return plan, usagef("sizes are none, want multiples of 8, rising")
	}
	if len(o.sizes) > 0 {
		plan.Sizes = nil
		for _, text := range o.sizes {
			var n size
			if err := n.Set(text); err != nil {
				return plan, usagef("size %q: %v", text, err)
			}
			if n > mostSize {
				return plan, usagef("size is %s, want at most %d MiB", text, mostSize>>20)
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
		{o.given("limit"), "--limit " + o.limit.String()}, {true, fmt.Sprintf("--seed %d", o.seed)},
	} {
		if f.on {
			text += " " + f.flag
		}
	}
	return text
}
