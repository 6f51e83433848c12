//go:build linux

package shmpipe_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// Words may say that the ring is millions of laps further on than it is. To walk there takes for ever, in steps that end, and each look
// says that there may be something: who waits must still see that it is to stop.
func TestCorrupt_WordsFarAheadDoNotOutlastTheContext(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Mode: shmpipe.MPMC, Capacity: 8192}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	v := newVandal(t, pipe)
	for i := range v.ring.Granules() {
		v.control(protocol.WordsOffset(v.ring.Participants)+8*i, uint64(protocol.FreeWord(1<<30)))
	}
	for what, call := range map[string]func(context.Context) error{
		"Send": func(ctx context.Context) error { return p.Send(ctx, []byte("a")) },
		"Next": func(ctx context.Context) error { _, err := c.Next(ctx); return err },
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		shmtest.Within(t, shmtest.Patience, what, func() {
			require.ErrorIs(t, call(ctx), context.DeadlineExceeded, what)
		})
		cancel()
	}
}
