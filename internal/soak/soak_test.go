//go:build linux

package soak_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

var soakTime = flag.Duration("soak.time", 8*time.Second, "how long, in all")

// The bounds on waiting. While processes are killed and replaced, but none is stopped, somebody sends or receives something within the
// first, which is less than the time after which a sleep that nobody ends does so by itself; and each of them within the second.
const (
	boundAll  = 1500 * time.Millisecond
	boundEach = 5 * time.Second
)

// layout is a ring under test, and who uses it.
type layout struct {
	mode      shmpipe.Mode
	backend   shmpipe.Backend
	producers int
	consumers int
	capacity  int
}

func (l layout) String() string {
	return fmt.Sprintf("%v,%v,%d to %d", l.mode, l.backend, l.producers, l.consumers)
}

var layouts = []layout{
	{shmpipe.MPMC, shmpipe.POSIX, 3, 3, 16 << 10},
	{shmpipe.MPMC, shmpipe.SysV, 2, 4, 8 << 10},
	{shmpipe.MPMC, shmpipe.Memfd, 4, 2, 64 << 10},
	{shmpipe.SPSC, shmpipe.POSIX, 1, 1, 8 << 10},
	{shmpipe.SPSC, shmpipe.SysV, 1, 1, 16 << 10},
	{shmpipe.SPSC, shmpipe.Memfd, 1, 1, 4 << 10},
}

// TestSoak_KilledStoppedAndReplacedAtRandom: every message whose Send returned arrives, none torn, none twice without the flag, those
// of a producer in their order; nobody waits for ever; and in the end nothing is left.
func TestSoak_KilledStoppedAndReplacedAtRandom(t *testing.T) {
	seed := shmtest.Seed(t)
	limit := *soakTime
	if testing.Short() {
		limit /= 4
	}
	for i, l := range layouts {
		t.Run(l.String(), func(t *testing.T) { soak(t, l, limit/time.Duration(len(layouts)), seed+uint64(i)) })
	}
}

func soak(t *testing.T, l layout, limit time.Duration, seed uint64) {
	c := newChaos(t, l, limit, seed)
	for i := range c.workers {
		c.replace(&c.workers[i])
	}
	for end := time.Now().Add(limit); time.Now().Before(end); {
		c.pause(time.Duration(3+c.random.IntN(50)) * time.Millisecond)
		c.strike()
	}
	shmtest.Eventually(t, "a message to come through", func() bool { // on a busy machine nobody may have come so far
		c.pause(time.Millisecond)
		s, err := c.pipe.Stats()
		require.NoError(t, err)
		return s.Received > 0
	})
	// No more deaths. Those who are there go on for a moment, and leave.
	c.carryOn()
	c.pause(50 * time.Millisecond)
	c.At(wStop).Store(1)
	c.leave(true)
	c.At(wStop).Store(2)
	c.leave(false)
	sum := c.settle()
	t.Logf("%v killed, %d stopped; %d messages sent, %d delivered, %d flagged; longest time without progress %v, longest wait of one %v",
		c.killed, c.stopped, sum.Sent, sum.Delivered, sum.Flagged, c.longestAll, c.longestEach)
	require.Positive(t, sum.Delivered)
}
