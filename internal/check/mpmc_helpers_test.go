package check_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe/internal/check"
	"shmpipe/protocol"
	"shmpipe/ring"
)

// crew is a segment with one MPMC ring, and who takes part in it.
type crew struct {
	t        testing.TB
	mem      []byte
	h        *protocol.Header
	r        *protocol.Ring
	m        ring.MPMCMemory
	dead     map[uint32]bool
	slots    uint32
	granules uint64
}

func newCrew(t testing.TB, spec protocol.RingSpec) *crew {
	spec.Mode = protocol.MPMC
	h, err := protocol.NewHeader([]protocol.RingSpec{{Mode: protocol.SPSC}, spec})
	require.NoError(t, err)
	h.Name = "crew"
	mem := aligned(int(h.SegmentSize))
	h.Encode(mem)
	put32(mem, protocol.OffState, protocol.StateReady)
	r := &h.Rings[1]
	return &crew{
		t: t, mem: mem, h: h, r: r, dead: make(map[uint32]bool), slots: r.Participants, granules: r.Granules(),
		m: ring.MPMCMemory{
			Control:      mem[r.Control : r.Control+r.ControlSize],
			Data:         mem[r.Data : r.Data+r.Capacity],
			MaxMessage:   r.MaxMessage,
			Granule:      uint64(r.Granule),
			WordShift:    r.WordShift,
			Participants: r.Participants,
			Drop:         r.Flags&protocol.RingFlagDrop != 0,
		},
	}
}

// smallCrew has 16 granules of 256 bytes.
func smallCrew(t testing.TB) *crew {
	return newCrew(t, protocol.RingSpec{Capacity: 4096, Granule: 256, WordShift: 1, Participants: 8})
}

func (c *crew) entry(slot uint8) uint64 {
	return c.h.ParticipantOffset(c.r.FirstParticipant + uint32(slot))
}

func (c *crew) status(slot uint8) protocol.Status {
	return protocol.Status(get64(c.mem, c.entry(slot)+protocol.OffStatus))
}

// sign makes a participant of the entry, alive.
func (c *crew) sign(slot uint8, role protocol.Role) {
	c.attach(slot, role)
	delete(c.dead, uint32(slot))
}

// attach writes an entry as somebody does that attaches.
func (c *crew) attach(slot uint8, role protocol.Role) {
	at := c.entry(slot)
	put32(c.mem, at+protocol.OffRole, uint32(role))
	put32(c.mem, at+protocol.OffPID, 4700+uint32(slot))
	put64(c.mem, at+protocol.OffPIDNamespace, 4026531836)
	put64(c.mem, at+protocol.OffStartTime, 99)
	s := c.status(slot)
	producers := s.Producers()
	if role == protocol.RoleProducer {
		producers++
	}
	put64(c.mem, at+protocol.OffStatus, uint64(protocol.NewMPMCStatus(s.Takes()+1, producers, protocol.EntryActive)))
}

func (c *crew) end(slot uint8, state uint8) {
	s := c.status(slot)
	put64(c.mem, c.entry(slot)+protocol.OffStatus, uint64(protocol.NewMPMCStatus(s.Takes(), s.Producers(), state)))
}

func (c *crew) producer(slot uint8) *ring.MPMCProducer {
	c.t.Helper()
	c.sign(slot, protocol.RoleProducer)
	p, err := ring.NewMPMCProducer(c.m, slot)
	require.NoError(c.t, err)
	return p
}

func (c *crew) consumer(slot uint8) *ring.MPMCConsumer {
	c.t.Helper()
	c.sign(slot, protocol.RoleConsumer)
	v, err := ring.NewMPMCConsumer(c.m, slot, func() {})
	require.NoError(c.t, err)
	return v
}

// kill leaves everything as it is and frees the lease.
func (c *crew) kill(slot uint8) { c.dead[uint32(slot)] = true }

// recover does what whoever proves a death does.
func (c *crew) recover(slot uint8) {
	c.t.Helper()
	_, err := ring.RecoverMPMC(c.m, slot)
	require.NoError(c.t, err)
	c.end(slot, protocol.EntryDied)
	delete(c.dead, uint32(slot))
}

func (c *crew) held(entry uint32) (bool, error) {
	return entry >= c.r.FirstParticipant && !c.dead[entry-c.r.FirstParticipant], nil
}

func (c *crew) found() []check.Problem {
	return found(c.mem, c.held)
}

// requireSound demands that nothing is broken, and returns the notes.
func (c *crew) requireSound(context ...any) []check.Problem {
	c.t.Helper()
	problems := c.found()
	for _, p := range problems {
		require.True(c.t, p.Note, "%v: %v", p, context)
	}
	return problems
}

// requireBroken demands that the first problem says what is broken.
func (c *crew) requireBroken(want string) {
	c.t.Helper()
	problems := c.found()
	for _, p := range problems {
		if p.Note {
			continue
		}
		require.Contains(c.t, p.Text, want)
		require.Equal(c.t, 1, p.Ring)
		require.Contains(c.t, p.Advice, "shmpipe rm --force crew")
		return
	}
	require.Fail(c.t, "nothing is broken", "want %q; found: %v", want, problems)
}

// requireNote demands that one note, and no other, has all of the words.
func (c *crew) requireNote(words ...string) check.Problem {
	c.t.Helper()
	var fits []check.Problem
	for _, p := range c.requireSound() {
		all := true
		for _, w := range words {
			all = all && strings.Contains(p.Text, w)
		}
		if all {
			fits = append(fits, p)
		}
	}
	require.Len(c.t, fits, 1, "notes with %q among %v", words, c.found())
	return fits[0]
}

func (c *crew) word(index uint64) uint64 {
	return c.r.Control + protocol.WordsOffset(c.r.Participants) + 8*c.r.WordIndex(index)
}

func (c *crew) getWord(index uint64) protocol.Word { return protocol.Word(get64(c.mem, c.word(index))) }

func (c *crew) putWord(index uint64, w protocol.Word) { put64(c.mem, c.word(index), uint64(w)) }

func (c *crew) tail() uint64 { return get64(c.mem, c.r.Control+protocol.OffMPMCTail) }

func (c *crew) head() uint64 { return get64(c.mem, c.r.Control+protocol.OffMPMCHead) }

func (c *crew) putTail(v uint64) { put64(c.mem, c.r.Control+protocol.OffMPMCTail, v) }

func (c *crew) putHead(v uint64) { put64(c.mem, c.r.Control+protocol.OffMPMCHead, v) }

// data is the offset of a granule.
func (c *crew) data(index uint64) uint64 { return c.r.Data + index*uint64(c.r.Granule) }

// bytes is a message that takes so many granules.
func (c *crew) bytes(granules uint64) []byte {
	return make([]byte, granules*uint64(c.r.Granule)-protocol.FrameHeaderSize)
}

func (c *crew) send(p *ring.MPMCProducer, granules uint64) {
	c.t.Helper()
	require.Equal(c.t, ring.Done, p.Send(c.bytes(granules), 1))
}

func (c *crew) take(v *ring.MPMCConsumer) {
	c.t.Helper()
	_, _, o := v.Next()
	require.Equal(c.t, ring.Done, o)
}

// busyCrew has frames in many states. It is in lap 2: its granules 4 to 12 are in use, 13 to 15 free for this lap, 0 to 3 for the next.
func busyCrew(t testing.TB) *crew {
	c := smallCrew(t)
	p, claimer, v := c.producer(0), c.producer(2), c.consumer(1)
	for range 36 {
		c.send(p, 1)
		c.take(v)
		v.Release()
	}
	batch := func(n, size int) {
		msgs := make([][]byte, n)
		for i := range msgs {
			msgs[i] = make([]byte, size)
		}
		sent, o := p.SendBatch(msgs, 5)
		require.Equal(t, ring.Done, o)
		require.Equal(t, n, sent)
	}
	batch(3, 200) // position 36, 3 granules
	batch(3, 100) // position 39, 2
	_, o := claimer.Claim(100)
	require.Equal(t, ring.Done, o) // position 41
	c.send(p, 3)                   // position 42
	c.take(v)
	c.take(v) // the second message of the first batch
	c.putTail(45)
	c.putHead(39)
	require.Equal(t, protocol.NewWord(2, 3, 1, protocol.WordTaken), c.getWord(4))
	require.Equal(t, protocol.NewWord(2, 2, 0, protocol.WordCommitted), c.getWord(7))
	require.Equal(t, protocol.NewWord(2, 1, 2, protocol.WordClaimed), c.getWord(9))
	require.Equal(t, protocol.NewWord(2, 3, 0, protocol.WordCommitted), c.getWord(10))
	require.Equal(t, protocol.FreeWord(2), c.getWord(13))
	return c
}
