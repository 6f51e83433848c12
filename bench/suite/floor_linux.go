package suite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"shmpipe/bench/internal/host"
	"shmpipe/bench/result"
)

// What a report says about who measured the raw round trip.
const (
	floorC  = "C"
	floorGo = "Go"
)

// chooseFloor takes the program in C if there is one, and else a function of our own, so that near and far can be told apart without a compiler.
func (r *runner) chooseFloor(dirs Dirs) {
	if r.report.Host.CPUs < 2 {
		return // there is no way to measure
	}
	r.pingpong = filepath.Join(dirs.C, "pingpong")
	r.report.Host.FloorBy = floorC
	if why := absent(r.pingpong); why != "" {
		r.pingpong, r.report.Host.FloorBy = "", floorGo
	}
}

// floor is the raw round trip of a cache line, in nanoseconds; 0 if it cannot be measured. One CPU has none.
func (r *runner) floor(ctx context.Context) float64 {
	if r.report.Host.CPUs < 2 || ctx.Err() != nil {
		return 0
	}
	if r.pingpong != "" {
		ns, err := r.floorByC(ctx)
		if err == nil || ctx.Err() != nil {
			return ns
		}
		// Once is enough: if it hangs, it would do so before and after each group.
		r.hung = r.hung || errors.As(err, new(hung))
		r.pingpong, r.report.Host.FloorBy = "", fmt.Sprintf("%s, since the program in C failed: %v", floorGo, err)
	}
	ns, err := host.MeasureFloor()
	if err != nil {
		r.report.Host.FloorBy = fmt.Sprintf("%s: %v", floorGo, err)
	}
	return ns
}

func (r *runner) floorByC(ctx context.Context) (float64, error) {
	line, err := run(ctx, r.limit, environment(result.Key{}), r.pingpong, "floor", "5000")
	if err != nil {
		return 0, err
	}
	v, err := values(line)
	if err == nil && v["rtt_ns"] <= 0 {
		err = fmt.Errorf("it printed no rtt_ns but %.80q", line)
	}
	return v["rtt_ns"], err
}
