package ring

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/shmtest"
	"shmpipe/protocol"
)

// sharedWords is every word that an endpoint may read.
var sharedWords = map[string]uint64{
	"tail": protocol.OffTail, "sent": protocol.OffSent, "sent bytes": protocol.OffSentBytes,
	"head": protocol.OffHead, "cursor": protocol.OffCursor,
	"received": protocol.OffReceived, "received bytes": protocol.OffReceivedBytes,
	"producer counter": protocol.OffProducerCounters, "consumer counter": protocol.OffConsumerCounters + 8*protocol.CounterRedelivered,
	"poison": protocol.OffPoison,
}

// absurd is what a word may be changed to: every bit flipped, and values that are out of place.
func absurd(was uint64) []uint64 {
	all := []uint64{0, 1, ^uint64(0), ^uint64(7), 1 << 62, 1 << 63, 1<<63 - 8, small, 2*small - 8}
	for bit := range 64 {
		all = append(all, was^1<<bit)
	}
	for _, d := range []uint64{1, 4, 8, 16, 800, small - 8, small, small + 8, 1 << 32, 1 << 63} {
		all = append(all, was+d, was-d)
	}
	return all
}

// lived is a guarded ring with a history: some frames finished, one in hand, some to be read, and room.
func lived(t testing.TB, m Memory) (*Producer, *Consumer) {
	clear(m.Control)
	for i := range m.Data {
		m.Data[i] = 0xee
	}
	for _, off := range []uint64{protocol.OffTail, protocol.OffHead, protocol.OffCursor} {
		store(m, off, 2*small-800)
	}
	p, c := newProducer(t, m), newConsumer(t, m)
	send(t, p, 100, 60, 500, 200, 0, 300) // the fourth is behind padding
	for range 2 {
		_, _, o := c.Next()
		require.Equal(t, Done, o)
	}
	return p, c
}

// exercise makes both ends do what they can. They may find the ring broken and then must say why; the messages may be rubbish.
func exercise(t testing.TB, p *Producer, c *Consumer, context string) {
	check := func(o Outcome, err error) {
		if o == Broken {
			require.NotNil(t, err, context)
			requireCorrupt(t, err)
		}
	}
	// Every message takes eight bytes at least and no endpoint goes round more than once without the other.
	steps := 4 * small / protocol.FrameHeaderSize
	if c != nil {
		check(c.Look(2, true), c.Err())
		c.Glance()
		c.Backlog()
		for range steps {
			payload, _, o := c.Next()
			check(o, c.Err())
			if o != Done {
				break
			}
			require.LessOrEqual(t, len(payload), int(c.maxMessage), context)
			for i := range payload { // faults if it is out of bounds
				payload[i]++
			}
			c.Redelivered()
		}
		c.Return()
		c.Next()
		c.Release()
		c.Rest()
	}
	if p != nil {
		p.Drained()
		p.Unpublished()
		for i := range steps {
			n := uint64(i*97) % (p.maxMessage + 1)
			check(p.HasRoom(n), p.Err())
			check(p.AwaitDrained(1), p.Err())
			if i%2 == 0 {
				o := p.Put(make([]byte, n), 1)
				check(o, p.Err())
				if o != Done {
					break
				}
			} else if space, o := p.Claim(n); o == Done {
				require.Len(t, space, int(n), context)
				clear(space)
				p.Commit(n/2, 1)
			}
			p.Publish()
		}
	}
}

func TestHostilePeer_CannotHarmWhoAttaches(t *testing.T) {
	m := guardedMemory(t, small)
	for name, off := range sharedWords {
		lived(t, m)
		for i, v := range absurd(load(m, off)) {
			context := fmt.Sprintf("%s = %#x", name, v)
			lived(t, m)
			store(m, off, v)
			shmtest.Within(t, shmtest.Patience, context, func() {
				p, err := NewProducer(m, i%2 == 0)
				if err != nil {
					requireCorrupt(t, err)
					require.NotZero(t, m.poison().Load(), context)
					store(m, protocol.OffPoison, 0)
				}
				c, err := NewConsumer(m, func() {})
				if err != nil {
					requireCorrupt(t, err)
					require.NotZero(t, m.poison().Load(), context)
				}
				exercise(t, p, c, context)
				exercise(t, p, c, context)
			})
		}
	}
}

func TestHostilePeer_CannotHarmWhoRuns(t *testing.T) {
	m := guardedMemory(t, small)
	for name, off := range sharedWords {
		p, c := lived(t, m)
		for _, v := range absurd(load(m, off)) {
			context := fmt.Sprintf("%s = %#x", name, v)
			p, c = lived(t, m)
			store(m, off, v)
			shmtest.Within(t, shmtest.Patience, context, func() {
				exercise(t, p, c, context)
				exercise(t, p, c, context)
			})
		}
	}
}

func TestHostileProducer_CannotHarmTheConsumerByAnyBitOfAHeader(t *testing.T) {
	m := guardedMemory(t, small)
	next := uint64(2*small - 800 + 112 + 72)
	headers := map[string]uint64{"next message": next, "padding": next + 512, "message behind padding": 2 * small}
	lived(t, m)
	require.True(t, protocol.IsPadding(*frameWord(m, headers["padding"])))
	for name, pos := range headers {
		lived(t, m)
		was := *frameWord(m, pos)
		require.EqualValues(t, protocol.FrameVersion, was>>56, name)
		for _, v := range append(absurd(was), was^0xffffffff, was|0xffffffff, was&^0xffffffff) {
			context := fmt.Sprintf("%s = %#x", name, v)
			p, c := lived(t, m)
			*frameWord(m, pos) = v
			shmtest.Within(t, shmtest.Patience, context, func() {
				exercise(t, nil, c, context)
				exercise(t, p, c, context)
			})
		}
	}
}
