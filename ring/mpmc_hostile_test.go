package ring

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// company is all who take part in a ring that somebody scribbles into. They may find it broken, and then must say why and mark it; they
// may lose and invent messages; but each call ends, and touches nothing outside.
type company struct {
	t         testing.TB
	m         MPMCMemory
	context   string
	cleared   bool // somebody may have cleared the mark meanwhile
	producers []*MPMCProducer
	consumers []*MPMCConsumer
}

// livedCrowd makes m a ring with a history, in which a frame in each state stands: finished, orphan, taken, abandoned, claimed, committed,
// batch, padding. The positions are those of the second lap.
func livedCrowd(t testing.TB, m MPMCMemory) *company {
	crowdAt(m, positionAtLap(1, 13))
	v := &company{t: t, m: m}
	for slot := range uint8(3) {
		v.producers = append(v.producers, mpmcProducer(t, m, slot))
	}
	for slot := range uint8(3) {
		v.consumers = append(v.consumers, mpmcConsumer(t, m, 3+slot))
	}
	p, c := v.producers, v.consumers
	crowdSend(t, p[0], 10, 100, 20) // at 13, behind padding at 16, and at 18
	for _, c := range c {
		_, _, o := c.Next()
		require.Equal(t, Done, o)
	}
	c[0].Release()
	c[1].Leave() // an orphan
	crowdBatch(t, p[0], 10, 20, 30)
	crowdClaim(t, p[1], 70, 1)
	require.Equal(t, Done, p[1].Abort())
	crowdClaim(t, p[2], 100, 1) // in the way of what follows
	crowdSend(t, p[0], 15)
	return v
}

// newcomers are the same, attached now; those who find the ring broken stay outside.
func newcomers(t testing.TB, m MPMCMemory) *company {
	v := &company{t: t, m: m}
	for slot := range uint8(3) {
		if p, err := NewMPMCProducer(m, slot); err == nil {
			v.producers = append(v.producers, p)
		} else {
			v.broken(Broken, err)
		}
		if c, err := NewMPMCConsumer(m, 3+slot, func() {}); err == nil {
			v.consumers = append(v.consumers, c)
		} else {
			v.broken(Broken, err)
		}
	}
	return v
}

// broken demands a reason if the ring was found broken, and that everybody can see it.
func (v *company) broken(o Outcome, err error) {
	if o == Broken {
		require.Error(v.t, err, v.context)
		requireCorrupt(v.t, err)
		require.True(v.t, v.cleared || poisonOf(v.m).Load() != 0, v.context)
	}
}

// produce does something with a producer.
func (v *company) produce(p *MPMCProducer, what int, n uint64) {
	o := Done
	if p.claim.held {
		if what%2 == 0 {
			o = p.Commit(min(n, p.claim.length), 1)
		} else {
			o = p.Abort()
		}
		v.broken(o, p.Err())
		return
	}
	switch what % 6 {
	case 0, 1:
		o = p.Send(make([]byte, n), 1)
	case 2:
		_, o = p.SendBatch([][]byte{make([]byte, n/2), nil, make([]byte, n/3)}, 1)
	case 3:
		o = p.AwaitRoom(n, 2)
	case 4:
		p.BeginDrain()
		o = p.AwaitDrained(2)
	default:
		var space []byte
		if space, o = p.Claim(n); o == Done {
			require.Len(v.t, space, int(n), v.context)
			clear(space) // faults if it is out of bounds
		}
	}
	v.broken(o, p.Err())
}

// consume does something with a consumer.
func (v *company) consume(c *MPMCConsumer, what int) {
	switch what % 8 {
	case 0:
		c.Return()
	case 1:
		c.Release()
	case 2:
		v.broken(c.Look(2, true), c.Err())
		c.Blocker()
	case 3:
		c.Leave()
	default:
		payload, _, o := c.Next()
		v.broken(o, c.Err())
		require.LessOrEqual(v.t, uint64(len(payload)), c.maxMessage, v.context)
		var sum byte
		for i := range payload { // faults if it is out of bounds
			sum += payload[i]
		}
		runtime.KeepAlive(sum)
	}
}

// recover buries someone.
func (v *company) recover(slot uint8) {
	_, err := RecoverMPMC(v.m, slot)
	if err != nil {
		v.broken(Broken, err)
	}
}

// exercise has all do what they can: first each on its own way, then in turns.
func (v *company) exercise(rng *rand.Rand) {
	for what := range 8 {
		for _, c := range v.consumers {
			v.consume(c, 7-what)
		}
		for i, p := range v.producers {
			v.produce(p, what, uint64(what*97+i)%(p.maxMessage+1))
		}
	}
	for range 30 {
		v.step(rng)
	}
	v.recover(uint8(rng.IntN(6)))
	for range 10 {
		v.step(rng)
	}
}

// step makes a random step.
func (v *company) step(rng *rand.Rand) {
	if i := rng.IntN(4); i < len(v.producers) {
		p := v.producers[i]
		v.produce(p, rng.IntN(6), rng.Uint64N(p.maxMessage+1))
	}
	if i := rng.IntN(4); i < len(v.consumers) {
		v.consume(v.consumers[i], rng.IntN(8))
	}
}

// crowdPlaces are all words that matter, by name: each as an offset in the control block, or behind it, in the data.
func crowdPlaces(m MPMCMemory) map[string]uint64 {
	places := map[string]uint64{
		"tail": protocol.OffMPMCTail, "head": protocol.OffMPMCHead, "orphans": protocol.OffMPMCOrphans, "poison": protocol.OffPoison,
		"sleepers for space": protocol.OffSpaceGate + protocol.OffGateWaiting&^7, "counter": protocol.OffMPMCSlots,
	}
	words := protocol.WordsOffset(m.Participants)
	for i := range crowdSize(m) {
		places[fmt.Sprintf("word %d", i)] = words + 8*i
		places[fmt.Sprintf("header %d", i)] = uint64(len(m.Control)) + i*m.Granule
		places[fmt.Sprintf("second word of granule %d", i)] = uint64(len(m.Control)) + i*m.Granule + 8
		places[fmt.Sprintf("third word of granule %d", i)] = uint64(len(m.Control)) + i*m.Granule + 16
	}
	return places
}

func crowdPlace(m MPMCMemory, off uint64) *uint64 {
	if off < uint64(len(m.Control)) {
		return wordAt(addr(&m.Control[0]), off)
	}
	return wordAt(addr(&m.Data[0]), off-uint64(len(m.Control)))
}

// absurdWords are what else a granule's word may be changed to: states, owners, spans and laps that are out of place.
func absurdWords(was uint64) []uint64 {
	var all []uint64
	w := protocol.Word(was)
	for state := range uint8(16) {
		for _, owner := range []uint8{0, 1, 3, 5, 16, 255} {
			all = append(all, uint64(w.With(owner, state)))
			for _, span := range []uint64{1, 2, fewGranules, fewGranules + 1, protocol.MaxSpan} {
				all = append(all, uint64(protocol.NewWord(w.Lap(), span, owner, state)))
			}
		}
	}
	return all
}

func TestHostilePeer_CannotHarmTheCrowd(t *testing.T) {
	rng := shmtest.Rand(t)
	every := 4 // of the values, one is tried, at random
	if testing.Short() {
		every = 24
	}
	m := guardedCrowd(t, fewGranules, smallGranule, 1)
	for name, off := range crowdPlaces(m) {
		livedCrowd(t, m)
		values := absurd(*crowdPlace(m, off))
		if off >= protocol.WordsOffset(m.Participants) && off < uint64(len(m.Control)) {
			values = append(values, absurdWords(*crowdPlace(m, off))...)
		}
		for i, value := range values {
			if rng.IntN(every) != 0 {
				continue
			}
			context := fmt.Sprintf("%s = %#x", name, value)
			shmtest.Within(t, shmtest.Patience, context, func() {
				there := livedCrowd(t, m)
				*crowdPlace(m, off) = value
				there.context = context
				if i%2 == 0 {
					there.exercise(rng)
				}
				late := newcomers(t, m)
				late.context = context
				late.exercise(rng)
				there.exercise(rng)
			})
		}
	}
}
