package suite

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"shmpipe/bench/internal/host"
	"shmpipe/bench/result"
)

// Runs of which the system calls of a message come.
const (
	timesLonger  = 4
	syscallPairs = 3
)

// syscalls counts the system calls of a run, and of a longer one: the difference is what the messages cost, without start and end. How often a side
// finds that it has to wait is chance, so it is the median of some such pairs. Under strace everything is slow, and the sides wait for each other
// more than they would.
func (r *runner) syscalls(ctx context.Context, k result.Key, s seat) (float64, error) {
	var per []float64
	for range syscallPairs {
		short, err := r.countCalls(ctx, k, s, s.count)
		if err != nil {
			return 0, err
		}
		long, err := r.countCalls(ctx, k, s, timesLonger*s.count)
		if err != nil {
			return 0, err
		}
		per = append(per, (long-short)/float64((timesLonger-1)*s.count))
	}
	slices.Sort(per)
	return max(0, host.Quantile(per, 0.5)), nil
}

func (r *runner) countCalls(ctx context.Context, k result.Key, s seat, count int) (float64, error) {
	out := filepath.Join(r.work, "strace")
	argv := append([]string{r.strace, "-f", "-qq", "-c", "-o", out}, s.arguments(k, count, 0)...)
	if _, err := r.run(ctx, k, s.Contestant, nil, argv); err != nil {
		return 0, err
	}
	b, err := os.ReadFile(out)
	if err != nil {
		return 0, err
	}
	return straceTotal(string(b))
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
