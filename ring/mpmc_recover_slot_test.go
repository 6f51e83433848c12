package ring

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func TestRecoverMPMC_FindsNothingOfASlotThatHasNothing(t *testing.T) {
	m, p, c := crowdPair(t, 5)
	crowdSend(t, p, 10)
	recoverCrowd(t, m, 7, Recovered{})
	crowdReceive(t, c, pattern(10, 0), 0, false)
	crowdClaim(t, p, 10, 1)
	was := cloneCrowd(m)
	recoverCrowd(t, m, 7, Recovered{})
	crowdShared(was, protocol.OffMPMCOrphans).Add(1) // there may be something new: one who recovered before may have died before it said so
	require.Equal(t, was, m)
	require.Equal(t, Done, p.Commit(10, 1))
	crowdReceive(t, c, pattern(10, 1), 1, false)
	laps(t, m, p, c, 50)
	_, err := RecoverMPMC(m, uint8(m.Participants))
	require.ErrorContains(t, err, "participant is 16")
}

func TestRecoverMPMC_MendsManyDeaths(t *testing.T) {
	for first := range uint8(6) { // who is recovered first
		m := smallCrowd(positionAtLap(1, 13))
		p, c := mpmcProducer(t, m, 8), mpmcConsumer(t, m, 9)
		crowdSend(t, p, 70, 10)
		crowdReceive(t, mpmcConsumer(t, m, 0), pattern(70, 0), 0, false)
		crowdReceive(t, mpmcConsumer(t, m, 1), pattern(10, 1), 1, false)
		for slot := uint8(2); slot < 5; slot++ {
			crowdClaim(t, mpmcProducer(t, m, slot), 100, slot)
		}
		crowdSend(t, p, 30)
		for i := range uint8(6) { // the last has nothing
			slot := (first + i) % 6
			want := Recovered{}
			if slot < 2 {
				want.Orphaned = 1
			} else if slot < 5 {
				want.Abandoned = 1
			}
			recoverCrowd(t, m, slot, want)
		}
		crowdReceive(t, c, pattern(70, 0), 0, true)
		crowdReceive(t, c, pattern(10, 1), 1, true)
		crowdReceive(t, c, pattern(30, 0), 0, false)
		crowdEmpty(t, c)
		laps(t, m, p, c, 50)
	}
}

// A recoverer may die after it made an orphan, and before it said so. The next one says so whatever it finds.
func TestRecoverMPMC_TellsOfWhatADeadRecovererMended(t *testing.T) {
	m, p, dead := crowdPair(t, 0)
	c := mpmcConsumer(t, m, 2)
	crowdSend(t, p, 40)
	crowdReceive(t, dead, pattern(40, 0), 0, false)
	crowdEmpty(t, c)
	setWord(m, 0, 1, orphanOfDead, protocol.WordOrphan)
	crowdEmpty(t, c)
	recoverCrowd(t, m, 1, Recovered{})
	crowdReceive(t, c, pattern(40, 0), 0, true)
}

// Claims that were held up by the dead come in their order once it is proved dead.
func TestRecoverMPMC_FreesWhatWaitedForTheDead(t *testing.T) {
	m := smallCrowd(10)
	dead, p, c := mpmcProducer(t, m, 5), mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1)
	crowdClaim(t, dead, 400, 1) // behind padding, and the ring is nearly full
	crowdSend(t, p, 30, 31, 32)
	require.Equal(t, Full, p.Send(make([]byte, 60), 1))
	crowdEmpty(t, c)
	slot, blocked := c.Blocker()
	require.True(t, blocked)
	recoverCrowd(t, m, slot, Recovered{Abandoned: 1})
	for i := range 3 {
		crowdReceive(t, c, pattern(30+i, byte(i)), uint16(i), false)
	}
	require.Equal(t, Done, p.Send(make([]byte, 60), 1))
	crowdReceive(t, c, make([]byte, 60), 1, false)
	laps(t, m, p, c, 50)
}

func TestRecoverMPMC_FindsABreach(t *testing.T) {
	for name, w := range map[string]protocol.Word{
		"no span":             protocol.NewWord(0, 0, deadSlot, protocol.WordClaimed),
		"beyond the end":      protocol.NewWord(0, 4, deadSlot, protocol.WordTaken),
		"as long as can be":   protocol.NewWord(0, protocol.MaxSpan, deadSlot, protocol.WordSkipping),
		"beyond, and claimed": protocol.NewWord(9, 1<<19, deadSlot, protocol.WordClaimed),
	} {
		t.Run(name, func(t *testing.T) {
			m, p, c := crowdPair(t, 0)
			crowdWord(m, 13).Store(uint64(w))
			r, err := RecoverMPMC(m, deadSlot)
			requireCrowdBroken(t, m, Broken, err, "span of a frame at 0xd")
			require.Zero(t, r)
			require.Equal(t, w, wordOf(m, 13), "it is evidence")
			_, err = RecoverMPMC(m, otherSlot)
			require.ErrorIs(t, err, protocol.ErrCorrupt)
			require.Equal(t, Broken, c.Look(1, true))
			crowdSend(t, p, 500) // what fits without a look around still goes
			require.Equal(t, Broken, p.Send(make([]byte, 500), 1))
		})
	}
}

// A claim that was committed at the very moment its owner died is a message.
func TestRecoverMPMC_KeepsEverythingThatWasCommitted(t *testing.T) {
	for n := range 12 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			m := smallCrowd(uint64(n))
			p, c := mpmcProducer(t, m, deadSlot), mpmcConsumer(t, m, 1)
			for i := range n {
				crowdClaim(t, p, i, byte(i))
				require.Equal(t, Done, p.Commit(uint64(i), uint16(i)))
			}
			crowdClaim(t, p, 20, 0)
			recoverCrowd(t, m, deadSlot, Recovered{Abandoned: 1})
			p = mpmcProducer(t, m, deadSlot)
			crowdSend(t, p, 50)
			for i := range n {
				crowdReceive(t, c, pattern(i, byte(i)), uint16(i), false)
			}
			crowdReceive(t, c, pattern(50, 0), 0, false)
			crowdEmpty(t, c)
		})
	}
}
