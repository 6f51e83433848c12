//go:build linux

package shmpipe

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// napper is a consumer whose sleeps are watched.
type napper struct {
	*Consumer
	naps   []time.Duration // how long it was about to sleep, at most
	before []func()        // what happens before the first sleep, the second, …
	slept  int
}

func (n *napper) settle() time.Duration {
	n.naps = append(n.naps, n.Consumer.settle())
	return n.naps[len(n.naps)-1]
}

func (n *napper) parks() {
	if n.slept++; n.slept <= len(n.before) {
		n.before[n.slept-1]()
	}
}

func (n *napper) waitInside(ctx context.Context) error {
	if !n.enter() {
		return ErrClosed
	}
	defer n.leave()
	return n.Consumer.waitInside(ctx, n)
}

func newNapper(t *testing.T) (*Producer, *napper) {
	t.Helper()
	pipe, err := Create(shmtest.TempName(t), Geometry{Capacity: 4096}, &Options{Wait: WaitBlock})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pipe.Close()) })
	p, err := pipe.Producer()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	c, err := pipe.Consumer()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return p, &napper{Consumer: c}
}

// The barrier of who goes to sleep may leave a processor out. So the first sleep after the flag was raised is short, always: after a wake,
// too, which took the flag down.
func TestWait_SleepsLongOnlyWhereTheFlagHasBeenUpForSomeTime(t *testing.T) {
	_, n := newNapper(t)
	ctx, cancel := context.WithTimeout(context.Background(), shmtest.Patience)
	defer cancel()
	n.before = []func(){
		func() {}, // its time runs out
		n.sleepOn.Broadcast,
		func() {},
		func() { n.suspectDeath() },
		cancel,
	}
	require.ErrorIs(t, n.waitInside(ctx), context.Canceled)
	require.Equal(t, []time.Duration{firstNap, longest, firstNap, longest, firstNap}, n.naps)
}

// A producer that a barrier leaves out loads the flag before it sees it, and publishes after the consumer has looked.
func TestWait_FindsWhatWasPublishedPastTheFlag(t *testing.T) {
	p, n := newNapper(t)
	geo := n.pipe.header.Rings[0]
	waiting := word32(n.pipe.seg.Bytes()[geo.Control:], protocol.OffDataGate+protocol.OffGateWaiting)
	n.before = []func(){func() {
		was := atomic.SwapUint32(waiting, 0)
		require.NoError(t, p.TrySend([]byte("late")))
		atomic.StoreUint32(waiting, was)
	}}
	ctx, cancel := context.WithTimeout(context.Background(), shmtest.Patience)
	defer cancel()
	require.NoError(t, n.waitInside(ctx))
	require.Equal(t, 1, n.slept)
	require.Equal(t, firstNap, n.naps[0], "nobody woke it")
	b := make([]byte, 10)
	length, err := n.TryReceive(b)
	require.NoError(t, err)
	require.Equal(t, "late", string(b[:length]))
}

// Shorter than a tick of the kernel, it would have each sleep program the processor's timer; longer, the protocol forbids it.
func TestTheFirstNap_IsLongerThanATickAndAsShortAsTheProtocolWants(t *testing.T) {
	require.Greater(t, firstNap, time.Second/100, "a tick, where CONFIG_HZ is 100")
	require.LessOrEqual(t, firstNap, 100*time.Millisecond, "docs/protocol.md, 15.4, rule 5")
}
