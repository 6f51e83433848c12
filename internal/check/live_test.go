//go:build !race

// The race detector knows only one memory model, and takes the plain stores of words that have one writer for races with a walk in
// the same process. Walks are made from other processes.

package check_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/check"
	"shmpipe/protocol"
	"shmpipe/ring"
)

// A walk of a ring at work must not take motion for damage.
func TestSegment_FindsNothingWhileMessagesFlow(t *testing.T) {
	h, err := protocol.NewHeader([]protocol.RingSpec{{Mode: protocol.SPSC, Capacity: capacity}})
	require.NoError(t, err)
	mem := aligned(int(h.SegmentSize))
	h.Encode(mem)
	put32(mem, protocol.OffState, protocol.StateReady)
	r := h.Rings[0]
	m := ring.Memory{Control: mem[r.Control : r.Control+r.ControlSize], Data: mem[r.Data : r.Data+r.Capacity], MaxMessage: r.MaxMessage}
	p, err := ring.NewProducer(m, false)
	require.NoError(t, err)
	c, err := ring.NewConsumer(m, func() {})
	require.NoError(t, err)

	var stop atomic.Bool
	var ends sync.WaitGroup
	ends.Go(func() {
		msg := make([]byte, 700)
		for i := 0; !stop.Load(); i++ {
			if p.Put(msg[:1+i%len(msg)], 0) != ring.Done {
				runtime.Gosched()
			}
			p.Publish()
		}
	})
	ends.Go(func() {
		for !stop.Load() {
			if _, _, o := c.Next(); o != ring.Done {
				runtime.Gosched()
			}
		}
	})
	defer ends.Wait()
	defer stop.Store(true)
	for begin := time.Now(); time.Since(begin) < time.Second; {
		for problem := range check.Segment(mem, alive) {
			require.True(t, problem.Note, problem.String())
		}
	}
}
