package ring

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// step makes one random step.
func (s *model) step(rng *rand.Rand) {
	n := rng.IntN(100)
	if rng.IntN(4) == 0 {
		n = rng.IntN(int(s.m.MaxMessage) + 1)
	}
	switch rng.IntN(10) {
	case 0, 1:
		s.put(n)
	case 2:
		s.claim(n, rng.IntN(n+1), rng.IntN(3) == 0)
	case 3:
		s.hasRoom(n)
	case 4, 5:
		s.publish()
	case 6, 7:
		s.next()
	case 8:
		s.release()
	default:
		if rng.IntN(2) == 0 {
			s.putBack()
		} else {
			s.rest()
		}
	}
}

// heirs is the model of a ring whose ends both died now: its memory as it is, and two successors.
func (s *model) heirs() *model {
	h := *s
	h.m = clone(s.m)
	h.p, h.c = newProducer(s.t, h.m), newConsumer(s.t, h.m)
	h.unpublished = nil
	h.queue = append([]modelMessage{}, s.queue...)
	h.flagged = h.flagged || h.held
	h.held = false
	h.check()
	return &h
}

func TestSuccessors_GoOnFromEveryPointOfAHistory(t *testing.T) {
	rng := shmtest.Rand(t)
	for range 20 {
		s := newModel(t, small, protocol.FrameAlign*uint64(rng.IntN(2*small)))
		for range 150 {
			s.step(rng)
			h := s.heirs()
			committed := len(h.queue)
			for h.fits(50) == Done && len(h.unpublished) < 3 {
				h.put(50) // behind the true tail, or the model would say otherwise
			}
			h.publish()
			redelivered := 0
			for len(h.queue) > 0 {
				h.next()
				if h.c.Redelivered() {
					redelivered++
				}
				committed--
				h.release()
			}
			require.LessOrEqual(t, committed, 0, "nothing that was committed is lost")
			require.LessOrEqual(t, redelivered, 1, "one frame at most comes again")
			if s.held {
				require.Equal(t, 1, redelivered)
			}
			h.next()
			require.True(t, h.p.Drained())
		}
	}
}

func TestNewConsumer_FlagsTheFrameThatWasInHandAndNoOther(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	send(t, p, 1, 2, 3)
	receive(t, c, pattern(1, 0), 0)
	receive(t, c, pattern(2, 1), 1)

	c = newConsumer(t, m)
	require.False(t, c.Redelivered(), "nothing has been delivered yet")
	require.False(t, c.Held())
	require.EqualValues(t, 1, load(m, protocol.OffConsumerCounters+8*protocol.CounterRedelivered))
	receive(t, c, pattern(2, 1), 1)
	require.True(t, c.Redelivered())
	c.Return()
	require.False(t, c.Redelivered())
	receive(t, c, pattern(2, 1), 1)
	require.True(t, c.Redelivered(), "it still may have been seen")
	receive(t, c, pattern(3, 2), 2)
	require.False(t, c.Redelivered())
	require.EqualValues(t, 2, load(m, protocol.OffReceived))
	require.EqualValues(t, 3, load(m, protocol.OffReceivedBytes))
}

func TestNewConsumer_DropsTheFrameThatWasInHandIfThePolicySaysSo(t *testing.T) {
	for _, at := range []uint64{0, 4096 - 8, 2064} { // also where the frame lies behind padding
		m, p, c := newRing(t, small, at)
		m.Drop = true
		send(t, p, 1, 2, 3)
		receive(t, c, pattern(1, 0), 0)
		receive(t, c, pattern(2, 1), 1)

		c = newConsumer(t, m)
		require.EqualValues(t, 1, load(m, protocol.OffConsumerCounters+8*protocol.CounterDropped))
		receive(t, c, pattern(3, 2), 2)
		require.False(t, c.Redelivered())
		c.Release()
		c = newConsumer(t, m)
		require.EqualValues(t, 1, load(m, protocol.OffConsumerCounters+8*protocol.CounterDropped), "nothing was in hand")
		_, _, o := c.Next()
		require.Equal(t, Empty, o)
		require.Equal(t, Done, p.HasRoom(uint64(p.MaxMessage())))
	}
}

func TestNewConsumer_GetsWhatWasReturnedOrReleasedUnflagged(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	send(t, p, 1, 2)
	receive(t, c, pattern(1, 0), 0)
	c.Return()
	c = newConsumer(t, m)
	receive(t, c, pattern(1, 0), 0)
	require.False(t, c.Redelivered())
	c.Release()
	c = newConsumer(t, m)
	receive(t, c, pattern(2, 1), 1)
	require.False(t, c.Redelivered())
	require.Zero(t, load(m, protocol.OffConsumerCounters+8*protocol.CounterRedelivered))
}

func TestNewConsumer_FlagsAgainAfterASecondDeathBeforeDelivery(t *testing.T) {
	m, p, c := newRing(t, small, 0)
	send(t, p, 9)
	receive(t, c, pattern(9, 0), 0)
	c = newConsumer(t, m)
	c.Rest() // as before it sleeps, or when it leaves in order
	c.Release()
	require.Equal(t, Done, c.Look(1, true))
	c = newConsumer(t, m)
	receive(t, c, pattern(9, 0), 0)
	require.True(t, c.Redelivered())
}

// A successor may give credit back before it delivers the frame that its predecessor had in hand: much credit is due if that frame lay
// behind padding. If it dies right then, the flag must not be lost with it.
func TestNewConsumer_KeepsTheFlagWhileTheOneBeforeReturnedCredit(t *testing.T) {
	m, p, c := newRing(t, small, 2064)
	send(t, p, 2040)
	receive(t, c, pattern(2040, 0), 0) // behind 2032 bytes of padding
	require.EqualValues(t, small|inHand, load(m, protocol.OffCursor))
	require.EqualValues(t, 2064, load(m, protocol.OffHead))

	var died Memory
	c, err := NewConsumer(m, func() { died = clone(m) })
	require.NoError(t, err)
	receive(t, c, pattern(2040, 0), 0)
	require.True(t, c.Redelivered())
	require.NotNil(t, died.Data, "credit was given back")
	require.EqualValues(t, small|inHand, load(died, protocol.OffCursor))
	c = newConsumer(t, died)
	receive(t, c, pattern(2040, 0), 0)
	require.True(t, c.Redelivered())
}

func TestNewProducer_ForgetsWhatItsPredecessorDidNotPublish(t *testing.T) {
	for _, at := range []uint64{0, small - 64} {
		m, p, c := newRing(t, small, at)
		send(t, p, 8)
		require.Equal(t, Done, p.Put(make([]byte, 100), 1))
		_, o := p.Claim(300)
		require.Equal(t, Done, o)

		p = newProducer(t, m)
		_, held := p.Claimed()
		require.False(t, held)
		require.Zero(t, p.Unpublished())
		send(t, p, 20)
		require.EqualValues(t, 2, load(m, protocol.OffSent))
		require.EqualValues(t, 28, load(m, protocol.OffSentBytes))
		receive(t, c, pattern(8, 0), 0)
		receive(t, c, pattern(20, 0), 0)
		_, _, o = c.Next()
		require.Equal(t, Empty, o)
	}
}

func TestSuccessors_TakeOverWhileTheOtherSideRuns(t *testing.T) {
	rng := shmtest.Rand(t)
	s := newModel(t, small, 0)
	for range 20000 {
		switch rng.IntN(60) {
		case 0:
			s.loseProducer(rng.IntN(2) == 0)
		case 1:
			s.loseConsumer()
		default:
			s.step(rng)
		}
	}
	require.Greater(t, s.received, uint64(1000))
	require.NotZero(t, load(s.m, protocol.OffConsumerCounters+8*protocol.CounterRedelivered))
}
