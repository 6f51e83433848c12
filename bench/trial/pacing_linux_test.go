package trial

import (
	"encoding/binary"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/futex"
)

// busySender leaves each message to a goroutine, as libraries do, and counts how often that one had its turn before the next message was due.
// Only messages count before which there was time enough.
type busySender struct {
	done         atomic.Uint64 // messages that the goroutines have had
	sent         uint64
	left         int64 // when Send returned, as futex.Now
	idle, served int
}

func (b *busySender) Send(msg []byte) error {
	if due := int64(binary.LittleEndian.Uint64(msg)); b.sent > 0 && due-b.left > int64(500*time.Microsecond) {
		b.idle++
		if b.done.Load() == b.sent {
			b.served++
		}
	}
	b.sent++
	go b.done.Add(1)
	b.left = futex.Now()
	return nil
}

func (*busySender) Close() error { return nil }

// With one processor for all goroutines, a sender that spins would keep it for 10 ms at a time, and so for some ten messages.
func TestLoad_GivesWayToAContestantsGoroutines(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	require.Eventually(t, func() bool {
		b := &busySender{}
		s := &side{job: Job{Mode: Load, Size: 64, Count: 200, Extra: 1000}, tx: b, crowded: true}
		err := s.sendPaced()
		t.Logf("%d of %d messages were served in time: %v", b.served, b.idle, err)
		return err == nil && b.idle >= 50 && b.served > b.idle*3/4
	}, time.Minute, time.Millisecond)
}
