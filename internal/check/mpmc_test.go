package check_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/check"
	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
	"shmpipe/ring"
)

func TestCrowd_FindsNothingInANewRing(t *testing.T) {
	for _, spec := range []protocol.RingSpec{{}, {Drop: true}, {Participants: 2, Granule: 256}, {Participants: 255, Capacity: 1 << 20, Granule: 64, WordShift: 14}} {
		c := newCrew(t, spec)
		before := slices.Clone(c.mem)
		require.Empty(t, c.found())
		require.Empty(t, found(c.mem, nil))
		require.Equal(t, before, c.mem, "it does not write")
	}
}

func TestCrowd_FindsNothingAfterLapsOfTraffic(t *testing.T) {
	c := smallCrew(t)
	p, v := c.producer(0), c.consumer(1)
	for i := range 200 {
		if p.Send(c.bytes(1+uint64(i)%8), 1) != ring.Done { // what is in hand is in the way
			v.Release()
			c.send(p, 1+uint64(i)%8)
		}
		require.Empty(t, c.found(), "%d: sent", i)
		c.take(v)
		require.Empty(t, c.found(), "%d: taken", i)
		if i%3 == 0 {
			v.Release()
		}
		require.Empty(t, c.found(), "%d: released", i)
	}
}

// TestCrowd_FindsNothingInAnyState has participants do, one at a time, all that they can do, and die, be recovered, leave and come back.
func TestCrowd_FindsNothingInAnyState(t *testing.T) {
	check.SetPatience(t, 0)
	random := shmtest.Rand(t)
	for _, spec := range []protocol.RingSpec{
		{Capacity: 4096, Granule: 256, WordShift: 1, Participants: 8},
		{Capacity: 4096, Participants: 8, Drop: true},
		{Capacity: 1 << 14, Granule: 128, WordShift: 3, Participants: 8},
	} {
		c := newCrew(t, spec)
		w := &wild{crew: c, random: random}
		for range 4000 {
			did := w.step()
			c.requireSound(did)
		}
		// When the dead are recovered and all is received, the ring is as good as new.
		for slot := range uint8(8) {
			switch {
			case c.dead[uint32(slot)]:
				c.recover(slot)
			case w.consumers[slot] != nil:
				w.leave(slot)
			case w.producers[slot] != nil && w.claims[slot]:
				require.Equal(t, ring.Done, w.producers[slot].Abort())
			}
		}
		v := c.consumer(7)
		for o := ring.Done; o == ring.Done; {
			_, _, o = v.Next()
		}
		require.NoError(t, v.Err())
		require.Empty(t, c.found())
	}
}

// Tail and head in the control block are hints: whoever should have moved them may have been killed.
func TestCrowd_FindsNothingWrongWithHintsThatLag(t *testing.T) {
	check.SetPatience(t, 0)
	c := busyCrew(t)
	for _, tail := range []uint64{45, 42, 41, 39, 36, 33, 20, 1, 0} {
		for _, head := range []uint64{39, 36, 31, 2, 0} {
			c.putTail(tail)
			c.putHead(head)
			c.requireSound(tail, head)
		}
	}
	for _, lap := range []uint32{3, 1 << 20, 1<<31 - 3} { // a ring that was used further
		c := smallCrew(t)
		for i := range c.granules {
			c.putWord(i, protocol.FreeWord(lap))
		}
		require.Empty(t, c.found(), lap)
	}
}

// wild does something at random.
type wild struct {
	*crew
	random    *rand.Rand
	producers [8]*ring.MPMCProducer
	consumers [8]*ring.MPMCConsumer
	claims    [8]bool
}

func (w *wild) step() string {
	slot := uint8(w.random.IntN(8))
	switch {
	case w.dead[uint32(slot)]:
		if w.random.IntN(3) == 0 {
			w.crew.recover(slot)
			return "recover"
		}
		return "stay dead"
	case w.producers[slot] != nil:
		return w.produce(slot, w.producers[slot])
	case w.consumers[slot] != nil:
		return w.consume(slot, w.consumers[slot])
	case w.random.IntN(2) == 0:
		w.producers[slot] = w.producer(slot)
		return "a producer comes"
	}
	w.consumers[slot] = w.consumer(slot)
	return "a consumer comes"
}

func (w *wild) message() []byte {
	return make([]byte, w.random.IntN(1+w.random.IntN(int(w.r.MaxMessage))))
}

func (w *wild) produce(slot uint8, p *ring.MPMCProducer) string {
	if w.claims[slot] {
		switch w.random.IntN(4) {
		case 0:
			p.Abort()
		case 1:
			n, _ := p.Claimed()
			p.Commit(n/2, 3)
		case 2:
			w.kill(slot)
			w.claims[slot], w.producers[slot] = false, nil
			return "a producer dies with a claim"
		default:
			return "a producer thinks"
		}
		w.claims[slot] = false
		return "a claim ends"
	}
	switch w.random.IntN(16) {
	case 0:
		w.end(slot, protocol.EntryClosed)
		w.producers[slot] = nil
		return "a producer leaves"
	case 1:
		w.kill(slot)
		w.producers[slot] = nil
		return "a producer dies"
	case 2, 3, 4:
		_, o := p.Claim(uint64(len(w.message())))
		w.claims[slot] = o == ring.Done
		return "claim"
	case 5, 6, 7:
		batch := make([][]byte, 1+w.random.IntN(6))
		for i := range batch {
			batch[i] = make([]byte, w.random.IntN(100))
		}
		p.SendBatch(batch, 1)
		return "send a batch"
	}
	p.Send(w.message(), 2)
	return "send"
}

func (w *wild) consume(slot uint8, v *ring.MPMCConsumer) string {
	switch w.random.IntN(16) {
	case 0:
		w.leave(slot)
		return "a consumer leaves"
	case 1:
		w.kill(slot)
		w.consumers[slot] = nil
		return "a consumer dies"
	case 2, 3:
		v.Release()
		return "release"
	case 4:
		v.Return()
		return "return"
	}
	_, _, o := v.Next()
	require.NotEqual(w.t, ring.Broken, o, "%v", v.Err())
	return "receive"
}

func (w *wild) leave(slot uint8) {
	w.consumers[slot].Leave()
	w.end(slot, protocol.EntryClosed)
	w.consumers[slot] = nil
}

// TestCrowd_FindsNothingBetweenAnyTwoSteps has what a participant that was killed in the middle of something leaves.
func TestCrowd_FindsNothingBetweenAnyTwoSteps(t *testing.T) {
	check.SetPatience(t, 0)
	const lap = 2
	for name, leave := range map[string]func(c *crew, at uint64){
		"claimed, tail not moved": func(c *crew, at uint64) {
			c.putWord(at, protocol.NewWord(lap, 3, 2, protocol.WordClaimed))
		},
		"padding, tail not moved": func(c *crew, at uint64) {
			c.putWord(at, protocol.NewWord(lap, 3, 0, protocol.WordAbandoned))
		},
		"committed": func(c *crew, at uint64) {
			c.putWord(at, protocol.NewWord(lap, 3, 0, protocol.WordCommitted))
			c.putTail(c.tail() + 3)
		},
		"taken, head not moved": func(c *crew, at uint64) {
			c.putWord(at, protocol.NewWord(lap, 3, 2, protocol.WordTaken))
			c.putTail(c.tail() + 3)
		},
		"taken": func(c *crew, at uint64) {
			c.putWord(at, protocol.NewWord(lap, 3, 2, protocol.WordTaken))
			c.putTail(c.tail() + 3)
			c.putHead(c.head() + 3)
		},
		"taken, its last granule given back": func(c *crew, at uint64) {
			c.putWord(at, protocol.NewWord(lap, 3, 2, protocol.WordTaken))
			c.putWord(at+2, protocol.FreeWord(lap+1))
			c.putTail(c.tail() + 3)
			c.putHead(c.head() + 3)
		},
		"taken, all but its first granule given back": func(c *crew, at uint64) {
			c.putWord(at, protocol.NewWord(lap, 3, 2, protocol.WordTaken))
			c.putWord(at+1, protocol.FreeWord(lap+1))
			c.putWord(at+2, protocol.FreeWord(lap+1))
			c.putTail(c.tail() + 3)
			c.putHead(c.head() + 3)
		},
		"orphan of one that was giving it back": func(c *crew, at uint64) {
			c.putWord(at, protocol.NewWord(lap, 3, 0, protocol.WordOrphan))
			c.putWord(at+2, protocol.FreeWord(lap+1))
			c.putTail(c.tail() + 3)
			c.putHead(c.head() + 3)
		},
		"skipping, head not moved": func(c *crew, at uint64) {
			c.putWord(at, protocol.NewWord(lap, 3, 2, protocol.WordSkipping))
			c.putTail(c.tail() + 3)
		},
		"skipping, half given back": func(c *crew, at uint64) {
			c.putWord(at, protocol.NewWord(lap, 3, 2, protocol.WordSkipping))
			c.putWord(at+2, protocol.FreeWord(lap+1))
			c.putTail(c.tail() + 3)
			c.putHead(c.head() + 3)
		},
		"given back": func(c *crew, at uint64) {
			for i := range uint64(3) {
				c.putWord(at+i, protocol.FreeWord(lap+1))
			}
			c.putTail(c.tail() + 3)
			c.putHead(c.head() + 3)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := smallCrew(t)
			p, v := c.producer(0), c.consumer(1)
			for range 36 { // to the middle of lap 2
				c.send(p, 1)
				c.take(v)
				v.Release()
			}
			c.putTail(36)
			c.putHead(36)
			c.sign(2, protocol.RoleConsumer)
			put64(c.mem, c.data(4), protocol.FrameHeader(600, 0, 0))
			leave(c, 4)
			c.requireSound("while it lives")
			c.kill(2)
			c.requireSound("dead")
			c.recover(2)
			c.requireSound("recovered")
			for o := ring.Done; o == ring.Done; {
				_, _, o = v.Next()
			}
			require.NoError(t, v.Err())
			require.Empty(t, c.found(), "received")
			c.send(p, 3)
			c.take(v)
			v.Release()
			require.Empty(t, c.found(), "used further")
		})
	}
}

// A ring that has been used for so long that the laps begin again at zero.
func TestCrowd_FindsNothingWhenTheLapWraps(t *testing.T) {
	c := smallCrew(t)
	start := uint64(1)<<36 - 20 // a lap and a bit before lap 2^32
	for i := range c.granules {
		pos := start + i
		c.putWord(pos%c.granules, protocol.FreeWord(uint32(pos/c.granules)))
	}
	c.putTail(start)
	c.putHead(start)
	p, v := c.producer(0), c.consumer(1)
	for i := range 60 {
		c.send(p, 1+uint64(i)%3)
		require.Empty(t, c.found())
		c.take(v)
		v.Release()
		require.Empty(t, c.found())
	}
	require.Greater(t, c.tail(), uint64(1)<<36)
}

// The ring of protocol/testdata/mpmc.golden.
func TestCrowd_FindsTheGoldenRingSound(t *testing.T) {
	c := newCrew(t, protocol.RingSpec{Participants: 4, Drop: true, Granule: 64, WordShift: 3})
	for i := range c.granules {
		c.putWord(i, protocol.FreeWord(1))
	}
	c.putWord(0, protocol.FreeWord(2))
	for i, w := range map[uint64]protocol.Word{
		1: protocol.NewWord(1, 2, 1, protocol.WordTaken), 3: protocol.NewWord(1, 1, 0, protocol.WordOrphan),
		4: protocol.NewWord(1, 1, 3, protocol.WordSkipping), 5: protocol.NewWord(1, 2, 0, protocol.WordCommitted),
		7: protocol.NewWord(1, 1, 0, protocol.WordAbandoned), 8: protocol.NewWord(1, 3, 2, protocol.WordClaimed),
	} {
		c.putWord(i, w)
	}
	for _, i := range []uint64{1, 3} {
		put64(c.mem, c.data(i), protocol.FrameHeader(40, 0, 0))
	}
	at := c.data(5)
	put64(c.mem, at, protocol.FrameHeader(24, 0, protocol.FrameBatch))
	put64(c.mem, at+16, protocol.FrameHeader(5, 7, 0))
	put64(c.mem, at+32, protocol.FrameHeader(0, 0, 0))
	c.putTail(75)
	c.putHead(69)
	for slot, role := range map[uint8]protocol.Role{1: protocol.RoleConsumer, 2: protocol.RoleProducer, 3: protocol.RoleConsumer} {
		c.sign(slot, role)
	}
	c.requireNote("wait for another: 1", "position 67")
	require.Len(t, c.found(), 1)
}
