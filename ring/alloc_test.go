package ring

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

func TestSteps_AllocateNothing(t *testing.T) {
	_, p, c := newRing(t, small, 0)
	msg := make([]byte, 200)
	msgs := [][]byte{msg[:8], msg, nil}
	var stop atomic.Bool
	visit := func([]byte) error { return nil }
	step := func(o Outcome) {
		if o != Done {
			t.Errorf("%v", o)
		}
	}
	next := func() {
		_, _, o := c.Next()
		step(o)
	}
	for name, f := range map[string]func(){
		"put, publish, next": func() {
			step(p.Put(msg, 1))
			p.Publish()
			next()
		},
		"glance, send, glance, next": func() {
			c.Glance()
			step(p.Send(msg, 1))
			c.Glance()
			next()
		},
		"send, look, next, return, next, release": func() {
			step(p.Send(msg, 1))
			step(c.Look(1, true))
			next()
			c.Return()
			next()
			c.Release()
		},
		"claim, commit, abort": func() {
			_, o := p.Claim(300)
			step(o)
			p.Commit(100, 1)
			_, o = p.Claim(300)
			step(o)
			p.Abort()
			p.Publish()
			next()
		},
		"put all, each": func() {
			n, o := p.PutAll(msgs, 1)
			step(o)
			p.Publish()
			payload, _, o := c.Next()
			step(o)
			if m, _, _ := c.Each(payload, n, &stop, visit); m != n {
				t.Errorf("%d of %d", m, n)
			}
		},
		"what finds nothing": func() {
			c.Next()
			c.Look(1, true)
			c.Rest()
			c.Slept()
			c.Backlog()
			p.HasRoom(9)
			p.AwaitRoom(9, 1)
			p.AwaitDrained(1)
			p.Count(protocol.CounterWaits)
			c.Count(protocol.CounterWaits)
		},
		"what finds the ring full": func() {
			for p.Put(msg, 1) == Done {
			}
			p.Claim(500)
			p.AwaitRoom(500, 1)
			p.Publish()
			for c.Look(1, true) == Done {
				next()
			}
			c.Release()
			c.Rest()
		},
	} {
		require.Zero(t, testing.AllocsPerRun(1000, f), name)
	}
}
