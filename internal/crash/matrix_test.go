//go:build seam && linux

package crash_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

var (
	matrixFile = flag.String("crash.write", "", "write what the matrix found to this `file`")
	matrixTime = flag.Duration("crash.time", 0, "repeat the matrix for that long; without it, once")
)

// A wake-up that is lost costs the time after which a sleep ends by itself, two seconds; nothing else takes nearly as long.
const asLongAsALostWakeUp = 1500 * time.Millisecond

// cell is a row of the matrix: where the victim dies, in which mode, and before how many survivors.
type cell struct {
	site      site
	mode      shmpipe.Mode
	survivors int

	scripts  []string          // those that come to the site
	arrivals map[string]uint64 // how often, in a tenth of a second

	times     []time.Duration // from death to recovery
	abandoned uint64          // claims of the dead that were skipped
	again     uint64          // messages that came again
}

func (c *cell) String() string { return fmt.Sprintf("%s, %v, %d", c.site.name, c.mode, c.survivors) }

// TestMatrix_KilledAtAnyAccessBlocksNobodyAndLosesNothing kills a victim before each store to shared memory that there is: see the
// package's doc.
func TestMatrix_KilledAtAnyAccessBlocksNobodyAndLosesNothing(t *testing.T) {
	random := shmtest.Rand(t)
	s := newStage(t)
	begin := time.Now()
	cells := census(t, s, random)
	t.Logf("census: %v", time.Since(begin))
	messages := uint64(0)
	for round := 0; round == 0 || time.Since(begin) < *matrixTime; round++ {
		random.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
		for _, c := range cells {
			messages += c.kill(t, s, random)
		}
	}
	r := newReport(cells)
	t.Logf("%d cells, %d victims, %d messages, %v: recovery p50 %v, p99 %v, longest %v (%v)",
		len(cells), len(r.all), messages, time.Since(begin), r.all.at(50), r.all.at(99), r.all.at(100), r.worst)
	if *matrixFile != "" {
		require.NoError(t, r.write(t, *matrixFile, messages))
	}
}

// census plays every script without a death and counts who comes to which site. A site that nobody comes to fails the test: then it
// is not known what a death there does.
func census(t *testing.T, s *stage, random *rand.Rand) (cells []*cell) {
	for _, mode := range []shmpipe.Mode{shmpipe.MPMC, shmpipe.SPSC} {
		sizes := []int{1}
		if mode == shmpipe.MPMC {
			sizes = append(sizes, crowdSize)
		}
		var missing []*cell
		for _, site := range siteList(t) {
			for _, n := range sizes {
				if site.deadly() && site.in(mode) {
					missing = append(missing, &cell{site: site, mode: mode, survivors: n, arrivals: make(map[string]uint64)})
				}
			}
		}
		for try := range 10 {
			for _, script := range scripts(mode) {
				for _, n := range sizes {
					s.play(t, order{mode: mode, wait: waitOf(random), seed: random.Uint64N(1 << 32), script: script}, n)
					for _, c := range missing {
						if got := s.census[c.site.Site]; got > 0 && c.survivors == n {
							if c.arrivals[script] == 0 {
								c.scripts = append(c.scripts, script)
							}
							c.arrivals[script] = max(c.arrivals[script], got)
						}
					}
				}
			}
			all := true
			for _, c := range missing {
				all = all && len(c.scripts) > 0
			}
			if all && try >= 1 { // rare ones twice
				break
			}
		}
		for _, c := range missing {
			require.NotEmpty(t, c.scripts, "%v: no script comes to this site", c)
		}
		cells = append(cells, missing...)
	}
	return cells
}

func waitOf(random *rand.Rand) shmpipe.WaitStrategy {
	return []shmpipe.WaitStrategy{shmpipe.WaitAdaptive, shmpipe.WaitBlock}[random.IntN(2)]
}

// kill plays the cell once.
func (c *cell) kill(t *testing.T, s *stage, random *rand.Rand) (messages uint64) {
	for range 30 {
		o := order{mode: c.mode, wait: waitOf(random), seed: random.Uint64N(1 << 32), die: c.site.Site}
		o.script = c.scripts[random.IntN(len(c.scripts))]
		o.nth = 1 + random.Uint64N(min((c.arrivals[o.script]+1)/2, 12))
		end := s.play(t, o, c.survivors)
		if end.died {
			require.Less(t, end.recovery, asLongAsALostWakeUp, "%v", c)
			if end.recovery > target {
				t.Logf("%v: recovery took %v (%s, %v, arrival %d)", c, end.recovery, o.script, o.wait, o.nth)
			}
			c.times = append(c.times, end.recovery)
			c.abandoned += end.stats.Abandoned
			c.again += end.stats.Recovered
			if c.mode == shmpipe.SPSC {
				c.again += end.stats.Redelivered
			}
			return end.messages
		}
	}
	require.Fail(t, "the victim does not come there", c.String())
	return 0
}
