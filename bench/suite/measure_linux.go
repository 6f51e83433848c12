package suite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
		s.count = 300
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
	for range 2 { // the first guess may be far too short to say anything
		v, err := r.once(ctx, probe, c, few, 1_000_000_000)
		if err != nil && ctx.Err() == nil && !errors.As(err, new(cannot)) && !errors.As(err, new(hung)) {
			v, err = r.once(ctx, probe, c, few, 1_000_000_000) // one failure shall not cost it all rounds
		}
		if err != nil {
			s.why = err
			r.noteHang(k, c, err)
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
		s.count = min(max(n, 50), 20_000_000)
		if s.count < 4*few {
			break
		}
		few = s.count / 2
	}
	return s
}

// noteHang remembers that a contestant had to be killed. It takes no further part: each time would cost the whole limit, and what it uses up
// before it is killed is in nobody's account.
func (r *runner) noteHang(k result.Key, c *Contestant, err error) {
	if errors.As(err, new(hung)) {
		if r.hangs == nil {
			r.hangs = make(map[string]string)
		}
		r.hangs[c.Name] = keyText(k)
	}
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
	line, err := run(ctx, r.limit, append(environment(k), env...), c.arguments(k, count, rate)...)
	if err != nil {
		return nil, err
	}
	return values(line)
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
		r.noteHang(k, s.Contestant, err)
		r.hung = r.hung || errors.As(err, new(hung))
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

// syscalls counts the system calls of a run, and of one three times as long: the difference is what the messages cost, without start and end.
// Under strace everything is slow, so the sides wait for each other more than they would.
func (r *runner) syscalls(ctx context.Context, k result.Key, s seat) (float64, error) {
	var calls [2]float64
	for i, n := range [...]int{s.count, 3 * s.count} {
		out := filepath.Join(r.work, "strace")
		argv := append([]string{r.strace, "-f", "-qq", "-c", "-o", out}, s.arguments(k, n, 0)...)
		if _, err := run(ctx, r.limit, environment(k), argv...); err != nil {
			return 0, err
		}
		b, err := os.ReadFile(out)
		if err != nil {
			return 0, err
		}
		if calls[i], err = straceTotal(string(b)); err != nil {
			return 0, err
		}
	}
	return max(0, (calls[1]-calls[0])/float64(2*s.count)), nil
}

// straceTotal is the number of calls in the last line of strace's summary. The columns before and after it may be empty, so it is found by its
// place under the heading.
func straceTotal(summary string) (float64, error) {
	end := -1
	for line := range strings.Lines(summary) {
		if at := strings.Index(line, " calls "); at >= 0 && end < 0 {
			end = at + len(" calls")
		}
		if end > 0 && len(line) > end && strings.HasSuffix(strings.TrimSpace(line), " total") {
			if f := strings.Fields(line[:end]); len(f) > 0 {
				return strconv.ParseFloat(f[len(f)-1], 64)
			}
		}
	}
	return 0, fmt.Errorf("strace printed no total")
}

// straceProgram is where strace is; "" if it is not.
func straceProgram() string {
	path, err := exec.LookPath("strace")
	if err != nil {
		return ""
	}
	return path
}
