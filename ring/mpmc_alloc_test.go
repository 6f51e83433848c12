package ring

import (
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/seam"
	"shmpipe/protocol"
)

func TestMPMCSteps_AllocateNothing(t *testing.T) {
	if seam.On {
		t.Skip("marks are not for the shipping build")
	}
	m := newCrowdMemory(fewGranules, smallGranule, 1)
	p, c, leaver := mpmcProducer(t, m, 0), mpmcConsumer(t, m, 1), mpmcConsumer(t, m, 2)
	msg := pattern(200, 0)
	msgs := [][]byte{msg[:8], msg[:100], nil}
	step := func(o Outcome) {
		if o != Done {
			t.Errorf("%v", o)
		}
	}
	next := func(c *MPMCConsumer) {
		_, _, o := c.Next()
		step(o)
	}
	for name, f := range map[string]func(){
		"send, look, next, return, next, release": func() {
			p.LetDrain()
			step(p.AwaitRoom(200, 1))
			step(p.Send(msg, 1))
			step(c.Look(1, true))
			next(c)
			c.Return()
			next(c)
			c.Release()
		},
		"claim, commit, abort": func() {
			for range 2 {
				_, o := p.Claim(300)
				step(o)
				step(p.Commit(100, 1))
				next(c)
				c.Release()
				_, o = p.Claim(300)
				step(o)
				step(p.Abort())
				if _, _, o := c.Next(); o != Empty {
					t.Errorf("%v", o)
				}
			}
		},
		"batch, drain": func() {
			n, o := p.SendBatch(msgs, 1)
			step(o)
			p.BeginDrain()
			for range n {
				next(c)
			}
			c.Release()
			step(p.AwaitDrained(1))
		},
		"leave, redeliver": func() {
			step(p.Send(msg, 1))
			next(leaver)
			leaver.Leave()
			next(c)
			if !c.Redelivered() {
				t.Error("not flagged")
			}
			c.Release()
		},
		"what finds nothing": func() {
			c.Next()
			c.Look(2, true)
			c.Blocker()
			c.Slept()
			p.AwaitRoom(9, 1)
			p.Claimed()
			p.Count(protocol.SlotProducer)
			c.Count(protocol.SlotConsumer)
		},
		"what finds the ring full": func() {
			for p.Send(msg, 1) == Done {
			}
			if _, o := p.Claim(500); o != Full {
				t.Errorf("%v", o)
			}
			p.SendBatch(msgs, 1)
			p.AwaitRoom(500, 1)
			for c.Look(1, true) == Done {
				if _, _, o := c.Next(); o == Empty {
					break
				}
			}
			c.Release()
		},
	} {
		require.Zero(t, testing.AllocsPerRun(1000, f), name)
		require.NoError(t, p.Err(), name)
		require.NoError(t, c.Err(), name)
	}
}
