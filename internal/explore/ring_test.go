//go:build seam

package explore

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/seam"
	"shmpipe/internal/shmtest"
)

// enough is more states than any of the configurations has.
const enough = 10_000_000

// TestRing_KeepsItsPromises visits all states of each configuration.
func TestRing_KeepsItsPromises(t *testing.T) {
	sites := make(map[seam.Site]bool)
	skipped := false
	for _, c := range configs() {
		t.Run(c.name, func(t *testing.T) {
			if c.large && (testing.Short() || raceDetector) {
				skipped = true
				t.Skip("takes seconds")
			}
			e := newExplorer(c.system(), shmtest.Seed(t))
			r := e.explore(enough)
			if r.wrong != nil {
				require.Empty(t, e.check(r.wrong))
			}
			report(t, e.sys, r)
			require.True(t, r.complete)
			e.audit(20_000)
			for _, l := range e.learners {
				for _, s := range l.stands {
					sites[s.site] = true
				}
			}
		})
	}
	for s := seam.None + 1; s <= seam.RecoverTell && !skipped && !t.Failed(); s++ {
		require.True(t, sites[s], "no process was ever before %s", siteName(s))
	}
}

// report fails a test if something is wrong, and shows what led to it.
func report(t *testing.T, sys *system, r result) {
	t.Helper()
	t.Log(r)
	if r.wrong != nil {
		t.Fatalf("violation: %s\n%s", r.wrong.what, trace(sys, r.wrong))
	}
}

// TestRing_RunsLiveAsTheExplorerSays compares runs of all processes together, on one memory, with what the explorer says.
func TestRing_RunsLiveAsTheExplorerSays(t *testing.T) {
	for _, c := range configs() {
		t.Run(c.name, func(t *testing.T) {
			e := newExplorer(c.system(), shmtest.Seed(t))
			for range 30 {
				e.compare(t, 400)
			}
		})
	}
}

// compare walks at random, live and as the explorer says.
func (e *explorer) compare(t *testing.T, length int) {
	t.Helper()
	l := newLive(e.sys)
	defer l.stop()
	state, next := slices.Clone(e.initial), make([]uint16, e.width)
	var list []action
	for range length {
		require.Empty(t, l.differs(e, state))
		list = e.actions(list[:0], state)
		if len(list) == 0 {
			return
		}
		a := list[e.random.IntN(len(list))]
		if a&crashes != 0 && e.random.IntN(16) > 0 {
			a &^= crashes
		}
		require.Empty(t, e.act(a, state, next))
		require.Empty(t, l.act(a))
		state, next = next, state
	}
}

// TestRing_WandersWhereItIsLarge walks at random through configurations that have too many states.
func TestRing_WandersWhereItIsLarge(t *testing.T) {
	for _, c := range largeConfigs() {
		t.Run(c.name, func(t *testing.T) {
			walks := 20_000
			if testing.Short() || raceDetector {
				walks = 300
			}
			sys := c.system()
			report(t, sys, wander(sys, shmtest.Seed(t), walks, 600))
		})
	}
}
