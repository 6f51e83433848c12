package ring

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"regexp"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// le is the order of bytes of the wire contract, whatever the host's.
var le = binary.LittleEndian

// small is the least capacity there is: the end of the data is near.
const small = protocol.MinCapacity

// newMemory is an empty ring, aligned as a mapping is. Its data is not zero, as nothing may depend on that.
func newMemory(capacity uint64) Memory {
	m := Memory{Control: alignedBytes(protocol.ControlSize), Data: alignedBytes(capacity), MaxMessage: protocol.MaxPayload(capacity)}
	for i := range m.Data {
		m.Data[i] = 0xee
	}
	return m
}

func alignedBytes(n uint64) []byte {
	words := make([]uint64, n/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n)
}

// memoryAt is an empty ring whose positions all stand at pos.
func memoryAt(capacity, pos uint64) Memory {
	m := newMemory(capacity)
	for _, off := range []uint64{protocol.OffTail, protocol.OffHead, protocol.OffCursor} {
		store(m, off, pos)
	}
	return m
}

// clone is what a successor would find if everybody died now.
func clone(m Memory) Memory {
	n := newMemory(uint64(len(m.Data)))
	n.MaxMessage = m.MaxMessage
	copy(n.Control, m.Control)
	copy(n.Data, m.Data)
	return n
}

func load(m Memory, off uint64) uint64     { return atomicAt(m.control(), off).Load() }
func store(m Memory, off uint64, v uint64) { atomicAt(m.control(), off).Store(v) }

// frameWord is the word of the data where a frame at pos would have its header.
func frameWord(m Memory, pos uint64) *uint64 { return wordAt(m.data(), pos%uint64(len(m.Data))) }

func newProducer(t require.TestingT, m Memory) *Producer {
	p, err := NewProducer(m, false)
	require.NoError(t, err)
	return p
}

func newConsumer(t require.TestingT, m Memory) *Consumer {
	c, err := NewConsumer(m, func() {})
	require.NoError(t, err)
	return c
}

// newRing is both ends of a ring whose positions all stand at pos.
func newRing(t require.TestingT, capacity, pos uint64) (Memory, *Producer, *Consumer) {
	m := memoryAt(capacity, pos)
	return m, newProducer(t, m), newConsumer(t, m)
}

// send puts and publishes messages of these lengths; see pattern.
func send(t require.TestingT, p *Producer, lengths ...int) {
	for i, n := range lengths {
		require.Equal(t, Done, p.Put(pattern(n, byte(i)), uint16(i)))
	}
	p.Publish()
}

// receive demands that the next message is msg.
func receive(t require.TestingT, c *Consumer, msg []byte, typ uint16) {
	got, gotType, o := c.Next()
	require.Equal(t, Done, o, "%v", c.Err())
	require.True(t, bytes.Equal(msg, got), "got %d bytes, want %d bytes, or the contents differ", len(got), len(msg))
	require.Equal(t, len(got), cap(got), "there must be no room to append")
	require.Equal(t, typ, gotType)
}

// pattern is a message of n bytes that differ from one another and by salt.
func pattern(n int, salt byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i) ^ byte(i>>8) ^ salt*37
	}
	return b
}

// randomMessage is message i of a stream that both sides know by its seed.
func randomMessage(seed, i uint64, buf []byte) (msg []byte, typ uint16) {
	rng := rand.New(rand.NewPCG(seed, i))
	n := rng.IntN(len(buf) - 8)
	switch rng.IntN(4) {
	case 0, 1:
		n = min(n, rng.IntN(80))
	case 2:
		n = min(n, rng.IntN(600))
	}
	for at := 0; at < n; at += 8 {
		le.PutUint64(buf[at:], rng.Uint64())
	}
	return buf[:n], uint16(rng.Uint32())
}

var gotAndWant = regexp.MustCompile(` at 0x[0-9a-f]+ is \d+ \(0x[0-9a-f]+\), want \S`)

// requireCorrupt demands an error that says what broke the protocol, with got and want.
func requireCorrupt(t require.TestingT, err error) {
	require.ErrorIs(t, err, protocol.ErrCorrupt)
	var corrupt *protocol.CorruptError
	require.True(t, errors.As(err, &corrupt))
	require.Regexp(t, gotAndWant, err.Error())
	require.Less(t, len(err.Error()), 300)
}

// requireBroken demands that a step found the ring broken, and that the other side can see it.
func requireBroken(t testing.TB, m Memory, o Outcome, err error, field string) {
	t.Helper()
	require.Equal(t, Broken, o)
	requireCorrupt(t, err)
	require.Contains(t, err.Error(), field)
	require.NotZero(t, m.poison().Load(), "the ring must be marked")
}
