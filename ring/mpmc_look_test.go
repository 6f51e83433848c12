package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func TestMPMCLook_SaysWhetherNextFindsSomething(t *testing.T) {
	m, p, c := crowdPair(t, 11)
	other := mpmcConsumer(t, m, 2)
	look := func(want Outcome) {
		for _, first := range []bool{true, false} {
			require.Equal(t, want, c.Look(1, first))
			require.Equal(t, want, c.Look(3, first))
		}
	}
	require.Equal(t, Empty, c.Look(0, false), "no look, no message")
	look(Empty)
	crowdSend(t, p, 5)
	look(Done)
	crowdReceive(t, other, pattern(5, 0), 0, false)
	look(Empty) // the other was faster
	crowdClaim(t, p, 9, 9)
	look(Empty)
	require.Equal(t, Done, p.Commit(9, 9))
	look(Done)
	crowdReceive(t, c, pattern(9, 9), 9, false)
	look(Empty) // what is in hand is not new
	other.Leave()
	look(Done) // for both
	require.Equal(t, Done, other.Look(1, true))
	crowdReceive(t, c, pattern(5, 0), 0, true)
	crowdEmpty(t, c)
	look(Empty)
	crowdClaim(t, p, 200, 0)
	require.Equal(t, Done, p.Abort())
	look(Done) // to be skipped
	crowdEmpty(t, c)
	look(Empty)
	c.Slept()
}

// Whoever is about to sleep looks once more, and once only. However far the others have gone, that look must find what is there.
func TestMPMCLook_OnceIsEnoughHoweverMuchOthersDidMeanwhile(t *testing.T) {
	const granules = 1 << 10
	for done := range 100 {
		m := newCrowdMemory(granules, smallGranule, 3)
		p, fast := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1)
		idleConsumer, idleProducer := mpmcConsumer(t, m, 2), mpmcProducer(t, m, 3)
		for range done * 7 {
			crowdSend(t, p, 1)
			crowdReceive(t, fast, pattern(1, 0), 0, false)
		}
		crowdSend(t, p, 2)
		require.Equal(t, Done, idleConsumer.Look(1, false), "after %d messages", done*7)
		require.Equal(t, Done, idleProducer.AwaitRoom(1, 1), "after %d messages", done*7)
		crowdReceive(t, idleConsumer, pattern(2, 0), 0, false)
		require.Equal(t, Done, idleProducer.Send(nil, 3))
		crowdReceive(t, idleConsumer, nil, 3, false)
	}
}

func TestMPMCBlocker_IsWhoHasClaimedWhatComesNext(t *testing.T) {
	m := smallCrowd(14)
	first, second := mpmcProducer(t, m, 3), mpmcProducer(t, m, 4)
	c := mpmcConsumer(t, m, 1)
	blocked := func(by uint8) {
		for _, look := range []func(){func() { crowdEmpty(t, c) }, func() { c.Look(1, false) }} {
			look()
			slot, yes := c.Blocker()
			require.True(t, yes)
			require.Equal(t, by, slot)
		}
	}
	free := func() {
		_, yes := c.Blocker()
		require.False(t, yes)
	}
	free()
	crowdClaim(t, first, 100, 1)
	free() // nobody has looked
	blocked(3)
	crowdClaim(t, second, 100, 2)
	blocked(3)
	require.Equal(t, Done, second.Commit(100, 2))
	blocked(3)
	require.Equal(t, Done, first.Commit(100, 1))
	crowdReceive(t, c, pattern(100, 1), 1, false)
	crowdReceive(t, c, pattern(100, 2), 2, false)
	crowdEmpty(t, c)
	free()

	crowdClaim(t, second, 100, 2)
	blocked(4)
	recoverCrowd(t, m, 4, Recovered{Abandoned: 1})
	crowdEmpty(t, c)
	free()
	crowdClaim(t, first, 500, 1)
	blocked(3)
	require.Equal(t, Done, first.Abort())
	require.Equal(t, Done, c.Look(1, false))
	crowdEmpty(t, c)
	c.Look(1, false)
	free()
}

func TestMPMCAwaitRoom_AgreesWithSend(t *testing.T) {
	for index := range uint64(fewGranules) {
		for used := range fewGranules {
			for span := uint64(1); span <= fewGranules/2; span++ {
				m, p, _ := crowdPair(t, index)
				for range used {
					crowdSend(t, p, 1)
				}
				was := cloneCrowd(m)
				looked := p.AwaitRoom(uint64(spanned(m, span)), 2)
				require.Equal(t, was.Control, m.Control, "a look changes nothing")
				sent := p.Send(make([]byte, spanned(m, span)), 1)
				if looked == Done && sent == Full { // there was room for the padding, and that is there now
					require.Equal(t, Full, p.AwaitRoom(uint64(spanned(m, span)), 2))
				} else {
					require.Equal(t, looked, sent)
				}
			}
		}
	}
}

// Who waits for ever in a broken ring must learn that it is, whatever it waits for.
func TestMPMC_LearnsOfPoisonWhileItWaits(t *testing.T) {
	poison := func(m MPMCMemory) { poisonOf(m).Store(1) }
	for name, wait := range map[string]func(m MPMCMemory, p *MPMCProducer, c *MPMCConsumer) (Outcome, error){
		"for a message, with Next": func(m MPMCMemory, p *MPMCProducer, c *MPMCConsumer) (Outcome, error) {
			poison(m)
			_, _, o := c.Next()
			return o, c.Err()
		},
		"for a message, with Look": func(m MPMCMemory, p *MPMCProducer, c *MPMCConsumer) (Outcome, error) {
			poison(m)
			return c.Look(2, true), c.Err()
		},
		"for a claim": func(m MPMCMemory, p *MPMCProducer, c *MPMCConsumer) (Outcome, error) {
			crowdClaim(t, p, 1, 1)
			poison(m)
			require.Equal(t, Broken, c.Look(2, true))
			_, _, o := c.Next()
			return o, c.Err()
		},
		"for room in a full ring": func(m MPMCMemory, p *MPMCProducer, c *MPMCConsumer) (Outcome, error) {
			crowdSend(t, p, 500, 500)
			poison(m)
			require.Equal(t, Broken, p.AwaitRoom(1, 2))
			return p.Send(nil, 1), p.Err()
		},
		"for more room than there is, with AwaitRoom": func(m MPMCMemory, p *MPMCProducer, c *MPMCConsumer) (Outcome, error) {
			crowdSend(t, p, spanned(m, 3), spanned(m, 8), spanned(m, 5))
			crowdReceive(t, c, pattern(spanned(m, 3), 0), 0, false)
			c.Release()
			poison(m)
			return p.AwaitRoom(uint64(spanned(m, 4)), 2), p.Err()
		},
		"for more room than there is, with Send": func(m MPMCMemory, p *MPMCProducer, c *MPMCConsumer) (Outcome, error) {
			crowdSend(t, p, spanned(m, 3), spanned(m, 8), spanned(m, 5))
			crowdReceive(t, c, pattern(spanned(m, 3), 0), 0, false)
			c.Release()
			poison(m)
			return p.Send(make([]byte, spanned(m, 4)), 1), p.Err()
		},
		"for consumers to finish": func(m MPMCMemory, p *MPMCProducer, c *MPMCConsumer) (Outcome, error) {
			crowdSend(t, p, 1)
			p.BeginDrain()
			poison(m)
			return p.AwaitDrained(2), p.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, p, c := crowdPair(t, 0)
			o, err := wait(m, p, c)
			requireCrowdBroken(t, m, o, err, "poison word")
			_, err = NewMPMCProducer(m, 5)
			require.ErrorIs(t, err, protocol.ErrCorrupt)
			_, err = NewMPMCConsumer(m, 5, func() {})
			require.ErrorIs(t, err, protocol.ErrCorrupt)
			_, err = RecoverMPMC(m, 5)
			require.ErrorIs(t, err, protocol.ErrCorrupt)
		})
	}
}
