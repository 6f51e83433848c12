//go:build !race

// See live_test.go for why.

package check_test

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/check"
	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
	"shmpipe/ring"
)

// A walk of a ring at work must not take motion for damage.
func TestCrowd_FindsNothingWhileMessagesFlow(t *testing.T) {
	for _, spec := range []protocol.RingSpec{
		{Capacity: 4096, Granule: 256, Participants: 16},
		{Capacity: 4096, Participants: 16},
		{Capacity: 1 << 18, Granule: 128, WordShift: 5, Participants: 16},
	} {
		c := newCrew(t, spec)
		var stop atomic.Bool
		var received atomic.Uint64
		var ends sync.WaitGroup
		for slot := range uint8(3) {
			p := c.producer(slot)
			ends.Go(func() { produceUntil(&stop, p, uint64(slot)) })
		}
		for slot := uint8(3); slot < 6; slot++ {
			v := c.consumer(slot)
			ends.Go(func() { consumeUntil(&stop, &received, v, uint64(slot)) })
		}
		ends.Go(func() {
			for i := 0; !stop.Load(); i++ {
				c.dieAndBeMended(uint8(6+i%4), i%2 == 0)
			}
		})
		walks := 0
		for begin := time.Now(); time.Since(begin) < time.Second; walks++ {
			for problem := range check.Segment(c.mem, c.held) {
				if !problem.Note {
					stop.Store(true)
					ends.Wait()
					require.Fail(t, problem.String())
				}
			}
		}
		shmtest.Eventually(t, "some laps of traffic", func() bool { return received.Load() > 4*c.granules })
		stop.Store(true)
		ends.Wait()
		require.Positive(t, walks)
		c.requireSound("afterwards")
	}
}

// dieAndBeMended attaches, takes something, dies with it, and is recovered. The lease seems held all the time: recoverers hold it.
func (c *crew) dieAndBeMended(slot uint8, producer bool) {
	if producer {
		c.attach(slot, protocol.RoleProducer)
		if p, err := ring.NewMPMCProducer(c.m, slot); err == nil {
			p.Claim(uint64(slot) * 50)
		}
	} else {
		c.attach(slot, protocol.RoleConsumer)
		if v, err := ring.NewMPMCConsumer(c.m, slot, func() {}); err == nil {
			v.Next()
		}
	}
	_, _ = ring.RecoverMPMC(c.m, slot) // a broken ring is what the walk is to find
	c.end(slot, protocol.EntryDied)
}

func produceUntil(stop *atomic.Bool, p *ring.MPMCProducer, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 1))
	batch := make([][]byte, 5)
	for i := range batch {
		batch[i] = make([]byte, 10*i)
	}
	for !stop.Load() {
		o := ring.Done
		switch random.IntN(4) {
		case 0:
			_, o = p.SendBatch(batch, 1)
		case 1:
			if _, o = p.Claim(uint64(random.IntN(500))); o == ring.Done {
				if random.IntN(2) == 0 {
					p.Abort()
				} else {
					p.Commit(1, 1)
				}
			}
		default:
			o = p.Send(make([]byte, random.IntN(900)), 2)
		}
		if o != ring.Done {
			runtime.Gosched()
		}
	}
}

func consumeUntil(stop *atomic.Bool, received *atomic.Uint64, v *ring.MPMCConsumer, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 2))
	for !stop.Load() {
		if random.IntN(100) == 0 {
			v.Leave() // and come back at once, in the same place
		}
		if _, _, o := v.Next(); o == ring.Done {
			received.Add(1)
		} else {
			runtime.Gosched()
		}
	}
	v.Release()
}

// What somebody holds for a moment is no news.
func TestCrowd_SaysNothingOfAClaimThatEndsSoon(t *testing.T) {
	check.SetPatience(t, time.Minute)
	c := smallCrew(t)
	p := c.producer(0)
	_, o := p.Claim(10)
	require.Equal(t, ring.Done, o)
	var end sync.WaitGroup
	end.Go(func() {
		time.Sleep(20 * time.Millisecond)
		p.Commit(10, 0)
	})
	require.Empty(t, c.found())
	end.Wait()
}
