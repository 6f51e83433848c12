package ring

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// stress is one run of two goroutines over a ring. Message i of the stream has a length, a type and contents that follow from the seed,
// so that the receiver knows all of them; what the two ends do otherwise is random and their own business. Either of
// them is now and then replaced by a successor, as if it had died between two steps.
type stress struct {
	m     Memory
	seed  uint64
	ended time.Time
	total atomic.Uint64 // messages, once the producer is done; 0 before
	stop  atomic.Bool   // the other side failed
}

func TestRing_CarriesARandomStreamUnchanged(t *testing.T) {
	for _, procs := range []int{0, 1} {
		for _, capacity := range []uint64{4 << 10, 64 << 10, 1 << 20} {
			t.Run(fmt.Sprintf("GOMAXPROCS=%d/%dKiB", max(procs, runtime.GOMAXPROCS(0)*(1-procs)), capacity>>10), func(t *testing.T) {
				if procs > 0 {
					defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
				}
				s := &stress{m: newMemory(capacity), seed: shmtest.Seed(t), ended: time.Now().Add(time.Second)}
				var sent, received uint64
				var sendErr, receiveErr error
				var both sync.WaitGroup
				both.Go(func() { sent, sendErr = s.produce(shmtest.NewRand(s.seed + 1)) })
				both.Go(func() { received, receiveErr = s.consume(shmtest.NewRand(s.seed + 2)) })
				shmtest.Within(t, 2*shmtest.Patience, "the stream", both.Wait)
				require.NoError(t, sendErr)
				require.NoError(t, receiveErr)
				require.Equal(t, sent, received)
				require.NotZero(t, received)
				require.Equal(t, sent, load(s.m, protocol.OffSent))
				require.Equal(t, sent, load(s.m, protocol.OffReceived))
				require.Equal(t, load(s.m, protocol.OffSentBytes), load(s.m, protocol.OffReceivedBytes))
				require.Equal(t, load(s.m, protocol.OffTail), load(s.m, protocol.OffHead))
				t.Logf("%d messages, %d redelivered", received, load(s.m, protocol.OffConsumerCounters+8*protocol.CounterRedelivered))
			})
		}
	}
}

// produce sends until the time is up, and returns the number of messages published.
func (s *stress) produce(rng *rand.Rand) (uint64, error) {
	p, err := NewProducer(s.m, rng.IntN(2) == 0)
	if err != nil {
		return 0, err
	}
	buf := make([]byte, min(s.m.MaxMessage, 20000))
	next, published := uint64(0), uint64(0)
	for !s.stop.Load() {
		for range 1 + rng.IntN(8)*rng.IntN(8) { // a batch
			msg, typ := randomMessage(s.seed, next, buf)
			o := s.sendOne(p, rng, msg, typ)
			if o == Full {
				break
			}
			if o != Done {
				return 0, fmt.Errorf("message %d: %v: %w", next, o, p.Err())
			}
			next++
		}
		if rng.IntN(500) == 0 { // dies before it publishes the batch
			if p, err = NewProducer(s.m, rng.IntN(2) == 0); err != nil {
				return 0, fmt.Errorf("successor: %w", err)
			}
			next = published
			continue
		}
		p.Publish()
		published = next
		if time.Now().After(s.ended) {
			s.total.Store(published)
			return published, nil
		}
		if rng.IntN(4) == 0 {
			p.AwaitRoom(rng.Uint64N(s.m.MaxMessage), rng.IntN(50))
		}
		if rng.IntN(20) == 0 {
			runtime.Gosched()
		}
	}
	return published, nil
}

// sendOne puts a message in one of the ways there are.
func (s *stress) sendOne(p *Producer, rng *rand.Rand, msg []byte, typ uint16) Outcome {
	n := uint64(len(msg))
	switch rng.IntN(6) {
	case 0, 1:
		space, o := p.Claim(min(s.m.MaxMessage, n+rng.Uint64N(100)))
		if o == Done {
			copy(space, msg)
			p.Commit(n, typ)
		}
		return o
	case 2:
		space, o := p.Claim(n)
		if o == Done {
			clear(space)
			p.Abort()
		}
	}
	return p.Put(msg, typ)
}

// consume receives until all has come, and returns the number of messages finished.
func (s *stress) consume(rng *rand.Rand) (uint64, error) {
	defer s.stop.Store(true)
	c, err := NewConsumer(s.m, func() {})
	if err != nil {
		return 0, err
	}
	buf := make([]byte, min(s.m.MaxMessage, 20000))
	next, seen := uint64(0), false // the message that comes next, and whether a consumer that died had it in hand
	for {
		payload, typ, o := c.Next()
		if o == Empty {
			if total := s.total.Load(); total > 0 && next == total {
				return next, nil
			}
			if c.Look(1+rng.IntN(100), true) == Empty {
				runtime.Gosched()
			}
			continue
		}
		if o != Done {
			return 0, fmt.Errorf("message %d: %v: %w", next, o, c.Err())
		}
		if want, wantType := randomMessage(s.seed, next, buf); wantType != typ || !bytes.Equal(want, payload) {
			return 0, fmt.Errorf("message %d: got type %d and %d bytes, want type %d and %d bytes, or the contents differ", next, typ, len(payload), wantType, len(want))
		}
		if c.Redelivered() != seen {
			return 0, fmt.Errorf("message %d: redelivered is %v, want %v", next, c.Redelivered(), seen)
		}
		switch rng.IntN(8) {
		case 0:
			c.Return()
			continue
		case 1:
			c.Release()
		case 2:
			c.Rest()
		}
		if rng.IntN(500) == 0 { // dies, with the message in hand or not
			seen = c.Held()
			if c, err = NewConsumer(s.m, func() {}); err != nil {
				return 0, fmt.Errorf("successor: %w", err)
			}
			if seen {
				continue
			}
		}
		next, seen = next+1, false
	}
}
