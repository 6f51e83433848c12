package ring

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// fill makes the ring's memory what the fuzzer came up with.
func fill(m Memory, control, data []byte) {
	clear(m.Control)
	clear(m.Data)
	copy(m.Control, control)
	copy(m.Data, data)
}

// seedControl is a control block as far as it is used.
func seedControl(tail, head, cursor uint64) []byte {
	b := make([]byte, protocol.OffPoison+4)
	le.PutUint64(b[protocol.OffTail:], tail)
	le.PutUint64(b[protocol.OffHead:], head)
	le.PutUint64(b[protocol.OffCursor:], cursor)
	return b
}

// seedData is data that begins with messages of these lengths; a negative one is padding.
func seedData(lengths ...int) []byte {
	var b []byte
	for _, n := range lengths {
		flags := uint8(0)
		if n < 0 {
			n, flags = -n, protocol.FramePadding
		}
		frame := make([]byte, protocol.FrameSize(uint64(n)))
		le.PutUint64(frame, protocol.FrameHeader(uint32(n), 9, flags))
		b = append(b, frame...)
	}
	return b
}

func FuzzConsumer_AnyBytes(f *testing.F) {
	f.Add(seedControl(0, 0, 0), seedData())
	f.Add(seedControl(40, 0, 0), seedData(1, 10))
	f.Add(seedControl(40, 0, 16|inHand), seedData(1, 10))
	f.Add(seedControl(2*small+16, small+2048, small+2048), append(seedData(1), make([]byte, 2032)...))
	f.Add(seedControl(small+16, 8, 2048), seedData(8, 2024, -2040))
	f.Add(seedControl(1<<63-8, 1<<63-48, 1<<63-48), seedData(8))
	m := guardedMemory(f, small)
	f.Fuzz(func(t *testing.T, control, data []byte) {
		fill(m, control, data)
		c, err := NewConsumer(m, func() {})
		if err != nil {
			requireCorrupt(t, err)
			return
		}
		head, tail := load(m, protocol.OffHead), load(m, protocol.OffTail)
		var sum byte
		for steps := uint64(0); ; steps++ {
			require.LessOrEqual(t, steps, uint64(small/protocol.FrameHeaderSize), "more messages than can be there")
			payload, _, o := c.Next()
			if o != Done {
				require.Contains(t, []Outcome{Empty, Broken}, o)
				if o == Broken {
					requireCorrupt(t, c.Err())
				}
				break
			}
			require.LessOrEqual(t, uint64(len(payload)), m.MaxMessage)
			for _, b := range payload { // faults if it is out of bounds
				sum += b
			}
			if sum == 77 {
				c.Return()
				c.Next()
			}
		}
		c.Release()
		c.Rest()
		require.GreaterOrEqual(t, load(m, protocol.OffHead), head)
		require.LessOrEqual(t, load(m, protocol.OffHead), tail)
		require.Equal(t, tail, load(m, protocol.OffTail), "the tail is not ours")
	})
}

// Each pair of bytes of script is a step of the producer; heads are what the consumer seems to store in between.
func FuzzProducer_AnyControl(f *testing.F) {
	f.Add(seedControl(0, 0, 0), []byte("\x00\x10\x01\x90\x02\x20\x03\x00"), []byte{})
	f.Add(seedControl(small, 16, 16), []byte("\x00\x10\x01\x90\x02\x20\x03\x00"), binary.LittleEndian.AppendUint64(nil, 32))
	f.Add(seedControl(1<<63-8, 1<<63-48, 0), []byte("\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff"), binary.LittleEndian.AppendUint64(nil, 1<<63-8))
	m := guardedMemory(f, small)
	f.Fuzz(func(t *testing.T, control, script, heads []byte) {
		fill(m, control, nil)
		p, err := NewProducer(m, len(script)%2 == 0)
		if err != nil {
			requireCorrupt(t, err)
			return
		}
		tail := load(m, protocol.OffTail)
		for ; len(script) >= 2; script = script[2:] {
			n := uint64(script[1]) * 9
			var o Outcome
			switch script[0] % 6 {
			case 0, 1:
				o = p.Send(make([]byte, n), 3)
			case 2:
				var space []byte
				if space, o = p.Claim(n); o == Done {
					require.Len(t, space, int(n))
					clear(space)
					p.Commit(n/2, 3)
				}
			case 3:
				o = p.HasRoom(n)
			case 4:
				p.AwaitDrained(1)
			case 5:
				if len(heads) >= 8 {
					store(m, protocol.OffHead, le.Uint64(heads))
					heads = heads[8:]
				}
			}
			if o == Broken {
				requireCorrupt(t, p.Err())
			}
			p.Publish()
			now := load(m, protocol.OffTail)
			require.LessOrEqual(t, tail, now, "the tail must not go back")
			require.Zero(t, now%protocol.FrameAlign)
			tail = now
		}
	})
}
