//go:build linux

package shmpipe_test

import (
	"encoding/binary"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
)

// Producers and consumers, each a participant of its own, in one process: each message goes to one consumer.
func TestMPMC_ManyOfEachShareARing(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		const producers, consumers, each = 3, 3, 5000
		pipe := create(t, shmpipe.Geometry{Mode: shmpipe.MPMC, Capacity: 8192}, shmpipe.Options{Backend: b, Producers: producers})
		var wg sync.WaitGroup
		var got atomic.Int64
		var seen [producers * each]atomic.Int32
		for range consumers {
			c := consumer(t, pipe)
			wg.Go(func() {
				for {
					m, err := c.Next(soon(t))
					if err != nil {
						if err != io.EOF {
							t.Errorf("consumer: %v", err)
						}
						return
					}
					if n := binary.LittleEndian.Uint64(m.Bytes()); seen[n].Add(1) != 1 {
						t.Errorf("message %d came twice", n)
					}
					got.Add(1)
					m.Release()
				}
			})
		}
		for i := range producers {
			p := producer(t, pipe)
			wg.Go(func() {
				msg := make([]byte, 8+100*i)
				for n := range each {
					binary.LittleEndian.PutUint64(msg, uint64(i*each+n))
					if err := p.Send(soon(t), msg); err != nil {
						t.Errorf("producer: %v", err)
						return
					}
				}
				require.NoError(t, p.Close())
			})
		}
		wg.Wait()
		require.EqualValues(t, producers*each, got.Load())
		s := stats(t, pipe)
		require.EqualValues(t, producers*each, s.Sent)
		require.EqualValues(t, producers*each, s.Received)
		require.Zero(t, s.Backlog)
	})
}
