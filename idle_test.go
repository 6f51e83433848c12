//go:build linux

package shmpipe_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// cpuTime is how long all threads of a process have run.
func cpuTime(t testing.TB, pid int) time.Duration {
	t.Helper()
	files, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/schedstat")
	require.NoError(t, err)
	var total time.Duration
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // a thread that ended
		}
		fields := strings.Fields(string(b))
		n, err := strconv.ParseInt(fields[0], 10, 64)
		require.NoError(t, err)
		total += time.Duration(n)
	}
	if len(files) == 0 {
		t.Skip("this kernel does not say how long threads have run")
	}
	return total
}

// Children sleep beside a live peer, beside none, and beside a dead one.
func TestIdle_CostsNoProcessor(t *testing.T) {
	const least, period, most = 500 * time.Millisecond, 2 * time.Second, 0.01
	type sleeper struct {
		what   string
		pipe   *shmpipe.Pipe
		child  *shmtest.Process
		before time.Duration
	}
	var sleepers []*sleeper
	for _, b := range named {
		for _, role := range []string{"producer", "consumer"} {
			for _, peer := range []string{"alive", "absent", "dead"} {
				for _, w := range []shmpipe.WaitStrategy{shmpipe.WaitAdaptive, shmpipe.WaitBlock} {
					pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b})
					if peer != "absent" {
						child := hold(t, pipe, b, map[string]string{"producer": "consumer", "consumer": "producer"}[role])
						if peer == "dead" {
							child.Kill()
						}
					}
					child := shmtest.Child(t, "sleep", b.String(), name(t, pipe), role, w.String())
					child.Expect("waiting")
					sleepers = append(sleepers, &sleeper{what: fmt.Sprintf("%v %v, peer %s, %v", b, role, peer, w), pipe: pipe, child: child})
				}
			}
		}
	}
	time.Sleep(least)
	start := time.Now()
	for _, s := range sleepers {
		s.before = cpuTime(t, s.child.Process.Pid)
	}
	time.Sleep(period)
	for _, s := range sleepers {
		share := float64(cpuTime(t, s.child.Process.Pid)-s.before) / float64(time.Since(start))
		t.Logf("%s: %.3f %% of a processor", s.what, 100*share)
		require.Less(t, share, most, s.what)
		n := stats(t, s.pipe)
		require.Positive(t, n.ProducerParks+n.ConsumerParks, "it sleeps")
	}
}

// roleSleep waits on a ring where nothing comes, and outlasts its peer.
func roleSleep(args []string) error {
	b, err := shmpipe.ParseBackend(args[0])
	if err != nil {
		return err
	}
	w, err := shmpipe.ParseWaitStrategy(args[3])
	if err != nil {
		return err
	}
	p, err := shmpipe.Open(args[1], &shmpipe.Options{Backend: b, Wait: w, Follow: true})
	if err != nil {
		return err
	}
	if args[2] == "consumer" {
		c, err := p.Consumer()
		if err != nil {
			return err
		}
		shmtest.Say("waiting")
		_, err = c.Receive(ctx, nil)
		return errors.Join(errors.New("it should have slept"), err)
	}
	v, err := p.Producer()
	for err == nil {
		err = v.TrySend(make([]byte, 1000))
	}
	if err != shmpipe.ErrFull {
		return err
	}
	shmtest.Say("waiting")
	return errors.Join(errors.New("it should have slept"), v.Send(ctx, make([]byte, 1000)))
}
