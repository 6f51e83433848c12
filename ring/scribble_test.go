package ring

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// A third party writes whatever it likes, wherever it likes, while both ends run. They may find the ring broken, or deliver rubbish,
// but each step ends, and touches nothing outside.
func TestHostilePeer_ThatScribblesEverywhereCannotHarmEither(t *testing.T) {
	if raceDetector {
		t.Skip("the scribbler races with everything, on purpose")
	}
	seed := shmtest.Seed(t)
	m := guardedMemory(t, small)
	var stop atomic.Bool
	var all sync.WaitGroup
	var broken [2]atomic.Uint64
	run := func(i uint64, f func(rng *rand.Rand)) {
		all.Go(func() {
			rng := shmtest.NewRand(seed + i)
			for !stop.Load() {
				f(rng)
				runtime.Gosched()
			}
		})
	}
	run(1, func(rng *rand.Rand) { scribble(m, rng) })
	run(2, func(rng *rand.Rand) {
		p, err := NewProducer(m, rng.IntN(2) == 0)
		for range 1000 {
			if err != nil || p.Err() != nil {
				broken[0].Add(1)
				return
			}
			scribbledProducer(p, rng)
		}
	})
	run(3, func(rng *rand.Rand) {
		c, err := NewConsumer(m, func() {})
		for range 1000 {
			if err != nil || c.Err() != nil {
				broken[1].Add(1)
				return
			}
			scribbledConsumer(t, c, rng)
		}
	})
	time.Sleep(2 * time.Second)
	shmtest.Eventually(t, "ends that find the ring broken", func() bool { return broken[0].Load() > 0 && broken[1].Load() > 0 })
	stop.Store(true)
	shmtest.Within(t, shmtest.Patience, "a step of an endpoint", all.Wait)
}

// scribble writes one word: a random one, or one that is nearly right, so that the ends get far before they notice.
func scribble(m Memory, rng *rand.Rand) {
	off := sharedWordList[rng.IntN(len(sharedWordList))]
	switch rng.IntN(8) {
	case 0:
		store(m, off, rng.Uint64())
	case 1:
		store(m, off, load(m, protocol.OffTail)+8*uint64(rng.IntN(64))-256)
	case 2:
		atomicAt(m.data(), 8*rng.Uint64N(small/8)).Store(rng.Uint64())
	case 3:
		at := 8 * rng.Uint64N(small/8)
		atomicAt(m.data(), at).Store(protocol.FrameHeader(uint32(rng.IntN(small)), uint16(rng.Uint32()), uint8(rng.IntN(2))))
	default: // all well again, somewhere
		pos := 8 * rng.Uint64N(1<<20)
		store(m, protocol.OffHead, pos)
		store(m, protocol.OffCursor, pos)
		store(m, protocol.OffTail, pos)
		store(m, protocol.OffPoison, 0)
	}
}

var sharedWordList = []uint64{protocol.OffTail, protocol.OffHead, protocol.OffCursor, protocol.OffSent, protocol.OffReceived, protocol.OffPoison}

func scribbledProducer(p *Producer, rng *rand.Rand) {
	n := rng.Uint64N(p.maxMessage + 2)
	switch rng.IntN(5) {
	case 0:
		if space, o := p.Claim(n); o == Done {
			clear(space)
			p.Commit(n/2, 1)
		}
	case 1:
		p.AwaitRoom(n, 3)
		p.AwaitDrained(3)
	default:
		p.Put(make([]byte, n%300), 1)
	}
	p.Publish()
}

func scribbledConsumer(t *testing.T, c *Consumer, rng *rand.Rand) {
	payload, _, o := c.Next()
	switch {
	case o == Done && uint64(len(payload)) > c.maxMessage:
		t.Errorf("a message of %d bytes", len(payload))
	case o == Done:
		var sum byte
		for _, b := range payload { // faults if it is out of bounds
			sum += b
		}
		runtime.KeepAlive(sum)
	case o == Empty && rng.IntN(2) == 0:
		c.Glance()
	case o == Empty:
		c.Look(3, true)
	}
	switch rng.IntN(8) {
	case 0:
		c.Release()
	case 1:
		c.Return()
	case 2:
		c.Rest()
	}
}
