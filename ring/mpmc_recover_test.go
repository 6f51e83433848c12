package ring

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// The slots of these tests: one that dies, and others that must not notice.
const (
	deadSlot  = 5
	otherSlot = 6
)

// death is a state that a participant may leave a frame of span granules in, at pos.
type death struct {
	name string
	die  func(t require.TestingT, m MPMCMemory, pos, span uint64)
	want Recovered
	then func(t require.TestingT, m MPMCMemory, pos, span uint64) // what became of it
}

// message is the one that the dead have to do with.
func deathMessage(m MPMCMemory, span uint64) []byte { return pattern(spanned(m, span), 9) }

// halfReleased stamps the last granules of a frame, as who gives it back does before it gets to the first.
func halfReleased(m MPMCMemory, pos, span, stamped uint64) {
	for i := span - stamped; i < span; i++ {
		crowdWord(m, pos+i).Store(uint64(protocol.FreeWord(crowdLap(m, pos) + 1)))
	}
}

func abandoned(t require.TestingT, m MPMCMemory, pos, span uint64) {
	requireWord(t, m, pos, span, 0, protocol.WordAbandoned)
	crowdEmpty(t, mustConsumer(t, m, otherSlot))
	requireFree(t, m, pos+fewGranules, pos+span+fewGranules)
}

func orphaned(t require.TestingT, m MPMCMemory, pos, span uint64) {
	requireWord(t, m, pos, span, orphanOfDead, protocol.WordOrphan)
	c := mustConsumer(t, m, otherSlot)
	crowdReceive(t, c, deathMessage(m, span), 3, true)
	crowdEmpty(t, c)
	requireFree(t, m, pos+fewGranules, pos+span+fewGranules)
}

func released(t require.TestingT, m MPMCMemory, pos, span uint64) {
	requireFree(t, m, pos+fewGranules, pos+span+fewGranules)
	crowdEmpty(t, mustConsumer(t, m, otherSlot))
}

// deaths are all states that a frame of span granules can be left in.
func deaths(span uint64) []death {
	all := []death{
		{"with a claim that nothing is written to", func(t require.TestingT, m MPMCMemory, pos, span uint64) {
			_, o := mustProducer(t, m, deadSlot).Claim(uint64(spanned(m, span)))
			require.Equal(t, Done, o)
		}, Recovered{Abandoned: 1}, abandoned},
		{"with a claim that is written and not committed", func(t require.TestingT, m MPMCMemory, pos, span uint64) {
			crowdClaim(t, mustProducer(t, m, deadSlot), spanned(m, span), 9)
		}, Recovered{Abandoned: 1}, abandoned},
		{"after it committed", func(t require.TestingT, m MPMCMemory, pos, span uint64) {
			require.Equal(t, Done, mustProducer(t, m, deadSlot).Send(deathMessage(m, span), 3))
		}, Recovered{}, func(t require.TestingT, m MPMCMemory, pos, span uint64) {
			crowdReceive(t, mustConsumer(t, m, otherSlot), deathMessage(m, span), 3, false)
			recoverCrowd(t, m, otherSlot, Recovered{Orphaned: 1})
			orphaned(t, m, pos, span)
		}},
		{"after it aborted", func(t require.TestingT, m MPMCMemory, pos, span uint64) {
			p := mustProducer(t, m, deadSlot)
			crowdClaim(t, p, spanned(m, span), 1)
			require.Equal(t, Done, p.Abort())
		}, Recovered{}, abandoned},
		{"after it left", func(t require.TestingT, m MPMCMemory, pos, span uint64) {
			require.Equal(t, Done, mustProducer(t, m, otherSlot).Send(deathMessage(m, span), 3))
			c := mustConsumer(t, m, deadSlot)
			crowdReceive(t, c, deathMessage(m, span), 3, false)
			c.Leave()
		}, Recovered{}, func(t require.TestingT, m MPMCMemory, pos, span uint64) {
			requireWord(t, m, pos, span, orphanOfLeft, protocol.WordOrphan)
			crowdReceive(t, mustConsumer(t, m, otherSlot), deathMessage(m, span), 3, true)
			recoverCrowd(t, m, otherSlot, Recovered{Orphaned: 1})
			orphaned(t, m, pos, span)
		}},
	}
	for stamped := range span {
		all = append(all,
			death{fmt.Sprintf("with a message in hand, %d granules stamped", stamped), func(t require.TestingT, m MPMCMemory, pos, span uint64) {
				require.Equal(t, Done, mustProducer(t, m, otherSlot).Send(deathMessage(m, span), 3))
				crowdReceive(t, mustConsumer(t, m, deadSlot), deathMessage(m, span), 3, false)
				halfReleased(m, pos, span, stamped)
			}, Recovered{Orphaned: 1}, orphaned},
			death{fmt.Sprintf("while it skipped, %d granules stamped", stamped), func(t require.TestingT, m MPMCMemory, pos, span uint64) {
				p := mustProducer(t, m, otherSlot)
				crowdClaim(t, p, spanned(m, span), 1)
				require.Equal(t, Done, p.Abort())
				setWord(m, pos, span, deadSlot, protocol.WordSkipping)
				halfReleased(m, pos, span, stamped)
			}, Recovered{Released: 1}, released})
	}
	return append(all, death{"after it gave the frame back", func(t require.TestingT, m MPMCMemory, pos, span uint64) {
		require.Equal(t, Done, mustProducer(t, m, otherSlot).Send(deathMessage(m, span), 3))
		c := mustConsumer(t, m, deadSlot)
		crowdReceive(t, c, deathMessage(m, span), 3, false)
		c.Release()
	}, Recovered{}, released})
}

// eachDeath runs f for each state, with the hints where they were before the frame, as nobody helped them on, and where they may be after.
func eachDeath(t *testing.T, f func(t *testing.T, d death, m MPMCMemory, pos, span uint64)) {
	for _, span := range []uint64{1, 2, 5} {
		for _, d := range deaths(span) {
			for _, helped := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s/span=%d/helped=%v", d.name, span, helped), func(t *testing.T) {
					for _, pos := range []uint64{0, 10, 11, positionAtLap(1<<32-1, 8)} {
						m := smallCrowd(pos)
						d.die(t, m, pos, span)
						head, tail := pos, pos
						if helped {
							tail += span
							if s := wordOf(m, pos).State(); s == protocol.WordFree || s >= protocol.WordTaken {
								head += span
							}
						}
						crowdShared(m, protocol.OffMPMCHead).Store(head)
						crowdShared(m, protocol.OffMPMCTail).Store(tail)
						f(t, d, m, pos, span)
					}
				})
			}
		}
	}
}

func TestRecoverMPMC_MendsWhatADeathLeftAtAnyPoint(t *testing.T) {
	eachDeath(t, func(t *testing.T, d death, m MPMCMemory, pos, span uint64) {
		recoverCrowd(t, m, deadSlot, d.want)
		recoverCrowd(t, m, deadSlot, Recovered{}) // again, as if the first recoverer had died and nobody knew how far it got
		d.then(t, m, pos, span)
		laps(t, m, mustProducer(t, m, deadSlot), mustConsumer(t, m, otherSlot), 50)
		laps(t, m, mustProducer(t, m, otherSlot), mustConsumer(t, m, deadSlot), 50)
	})
}

// A newcomer in the slot begins at once. What it does must not be taken for the dead one's, and what the dead one left not for its own.
func TestRecoverMPMC_MakesWayForANewcomer(t *testing.T) {
	eachDeath(t, func(t *testing.T, d death, m MPMCMemory, pos, span uint64) {
		recoverCrowd(t, m, deadSlot, d.want)
		p := mustProducer(t, m, deadSlot)
		crowdClaim(t, p, 10, 1)
		d.then(t, m, pos, span)
		requireWord(t, m, pos+span, 1, deadSlot, protocol.WordClaimed)
		require.Equal(t, Done, p.Commit(10, 4))
		c := mustConsumer(t, m, deadSlot)
		crowdReceive(t, c, pattern(10, 1), 4, false)
		recoverCrowd(t, m, deadSlot, Recovered{Orphaned: 1}) // and dies
		c = mustConsumer(t, m, deadSlot)
		crowdReceive(t, c, pattern(10, 1), 4, true)
		laps(t, m, mustProducer(t, m, otherSlot), c, 50)
	})
}

func TestRecoverMPMC_LeavesTheOthersAlone(t *testing.T) {
	eachDeath(t, func(t *testing.T, d death, m MPMCMemory, pos, span uint64) {
		p, c := mustProducer(t, m, 0), mustConsumer(t, m, 1)
		before := cloneCrowd(m)
		for slot := range uint8(m.Participants) {
			if slot != deadSlot {
				recoverCrowd(t, m, slot, Recovered{})
			}
		}
		for i := range uint64(fewGranules) {
			require.Equal(t, wordOf(before, i), wordOf(m, i))
		}
		crowdSend(t, p, 10)
		crowdClaim(t, p, 10, 1)
		before = cloneCrowd(m)
		recoverCrowd(t, m, deadSlot, d.want)
		require.Equal(t, before.Data, m.Data)
		for i := pos + span; i < pos+fewGranules; i++ {
			require.Equal(t, wordOf(before, i), wordOf(m, i), "position %d", i)
		}
		require.Equal(t, Done, p.Commit(10, 1))
		for n := 2; n > 0; c.Release() {
			payload, _, o := c.Next()
			require.Equal(t, Done, o)
			if len(payload) == 10 {
				n--
			}
		}
	})
}
