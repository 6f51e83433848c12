package suite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"shmpipe/bench/result"
)

// seat is a contestant's place in a group: what is known of it before the first round.
type seat struct {
	*Contestant
	count, rate int
	why         error // it can not, or failed, when it was tried
}

// try finds out how many messages fit in the time of a trial, and at which rate, by a short run.
func (r *runner) try(ctx context.Context, k result.Key, c *Contestant) seat {
	s := seat{Contestant: c}
	if s.why = r.outOfPlay(c); s.why != nil {
		return s
	}
	switch k.Mode {
	case result.Idle:
		s.count = int(min(time.Second, 10*r.plan.Each).Milliseconds())
		return s
	case result.First:
		s.count = 1
		return s
	case result.Syscalls:
		if r.strace == "" {
			s.why = cannot{"system calls are counted by strace, which is not installed (make bench-deps)"}
			return s
		}
		s.count = atMost(1000, k.Size)
		return s
	}
	probe := k
	if k.Mode == result.Load {
		probe.Load = 0
	}
	few := map[string]int{result.RoundTrip: 100, result.Load: 2000, result.Crowd: 500}[k.Mode]
	if few == 0 {
		few = 2000
	}
	if k.Size >= 16384 {
		few = max(50, few/10)
	}
	few = atMost(few, k.Size)
	for range 2 { // the first guess may be far too short to say anything
		v, err := r.once(ctx, probe, c, few, 1_000_000_000)
		if err != nil && ctx.Err() == nil && !errors.As(err, new(cannot)) && !errors.As(err, new(hung)) {
			v, err = r.once(ctx, probe, c, few, 1_000_000_000) // one failure shall not cost it all rounds
		}
		if err != nil {
			s.why = err
			return s
		}
		perSecond := v[result.MessagesPerSecond]
		switch {
		case k.Mode == result.RoundTrip:
			perSecond = 1e9 / max(v[result.Mean], 1)
		case k.Mode == result.Load: // a sender that reads the clock for each message
			perSecond = v[result.Rate]
			if s.rate = int(perSecond * float64(k.Load) / 100); s.rate < 1 {
				s.rate = 1
			}
			perSecond = float64(s.rate)
		}
		n := int(perSecond * r.plan.Each.Seconds())
		if k.Mode == result.Crowd {
			n /= producers(k.Shape)
		}
		s.count = min(max(n, atMost(50, k.Size)), 20_000_000)
		if s.count < 4*few {
			break
		}
		few = s.count / 2
	}
	return s
}

// atMost is so many messages, or fewer if they are so large that most of the limit would go by with them, and who is merely slow would be killed.
func atMost(messages, size int) int {
	const bytes = 64 << 20
	return min(messages, max(2, bytes/size))
}

func (r *runner) outOfPlay(c *Contestant) error {
	if where, ok := r.hangs[c.Name]; ok {
		return fmt.Errorf("left out, because it hung in %s and was killed", where)
	}
	return nil
}

func producers(shape string) int {
	var n, m int
	if _, err := fmt.Sscanf(shape, "%dx%d", &n, &m); err != nil || n < 1 {
		return 1
	}
	return n
}

// once runs a contestant once and returns the figures that it printed.
func (r *runner) once(ctx context.Context, k result.Key, c *Contestant, count, rate int, env ...string) (map[string]float64, error) {
	line, err := r.run(ctx, k, c, env, c.arguments(k, count, rate))
	if err != nil {
		return nil, err
	}
	return values(line)
}

// run runs a contestant and remembers if it had to be killed. Then it takes no further part: each time would cost the whole limit, and what it uses
// up before it is killed is in nobody's account.
func (r *runner) run(ctx context.Context, k result.Key, c *Contestant, env, argv []string) (string, error) {
	line, err := run(ctx, r.limit, append(environment(k), env...), argv...)
	if errors.As(err, new(hung)) {
		if r.hangs == nil {
			r.hangs = make(map[string]string)
		}
		r.hangs[c.Name] = keyText(k)
		r.hung = true
	}
	return line, err
}

// trial makes one trial.
func (r *runner) trial(ctx context.Context, k result.Key, s seat) result.Trial {
	t := result.Trial{Contestant: s.Name, Key: k}
	fail := func(err error) result.Trial {
		var c cannot
		if errors.As(err, &c) {
			t.Skipped = c.why
		} else {
			t.Error = err.Error()
		}
		return t
	}
	if s.why != nil {
		return fail(s.why)
	}
	if k.Mode == result.Syscalls {
		per, err := r.syscalls(ctx, k, s)
		if err != nil {
			return fail(err)
		}
		t.Values = map[string]float64{result.SyscallsPerMessage: per}
		return t
	}
	var env []string
	samples := ""
	if k.Mode == result.RoundTrip || k.Mode == result.Load {
		samples = filepath.Join(r.work, "samples")
		_ = os.Remove(samples) // of the trial before; a contestant that writes none shows by its absence
		env = append(env, "SAMPLES="+samples)
	}
	v, err := r.once(ctx, k, s.Contestant, s.count, s.rate, env...)
	if err != nil {
		return fail(err)
	}
	t.Values = v
	if samples != "" {
		if err := latencies(&t, samples); err != nil {
			return fail(err)
		}
	}
	if _, ok := t.Values[primary(k.Mode)]; !ok {
		return fail(fmt.Errorf("it printed no %s", primary(k.Mode)))
	}
	return t
}

// latencies puts the latencies of a file into a trial.
func latencies(t *result.Trial, path string) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it prints percentiles and keeps no samples
	}
	if err != nil {
		return err
	}
	l := result.NewLatencies()
	for ; len(b) >= 8; b = b[8:] {
		l.Record(binary.NativeEndian.Uint64(b))
	}
	if l.Count() == 0 {
		return nil
	}
	for name, percent := range map[string]float64{result.P50: 50, result.P90: 90, result.P99: 99, result.P999: 99.9, result.Max: 100} {
		t.Values[name] = l.Percentile(percent)
	}
	t.Histogram, err = l.Encode()
	return err
}
