package ring

import (
	"slices"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// crowdModel is an MPMC ring and what it should hold: a row of frames. Each method makes one step with both and then compares them, down
// to every word. Participants may be dead (nil) and not yet found to be.
type crowdModel struct {
	t         require.TestingT
	m         MPMCMemory
	producers [2]*rowProducer // slots 0 and 1
	consumers [3]*rowConsumer // slots 2 to 4

	tail    uint64
	frames  []*rowFrame // claimed and not finished, in the order of claims
	serial  byte
	counts  [5][protocol.SlotRedelivered + 1]uint64 // by slot
	dropped uint64
	hints   [2]uint64 // tail and head, at the last step
	taken   uint64    // messages that were delivered
}

const firstConsumer = 2 // slot

// rowFrame is a frame that is in the ring.
type rowFrame struct {
	pos, span    uint64
	owner, state uint8
	messages     []rowMessage // that are not finished
}

type rowMessage struct {
	typ     uint16
	payload []byte
}

type rowProducer struct {
	p       *MPMCProducer
	claim   *rowFrame
	length  int
	drain   bool
	drainTo uint64
}

func newCrowdModel(t require.TestingT, granules, pos uint64, drop bool) *crowdModel {
	m := crowdAt(newCrowdMemory(granules, smallGranule, 1), pos)
	m.Drop = drop
	s := &crowdModel{t: t, m: m, tail: pos, hints: [2]uint64{pos, pos}}
	for slot := range uint8(len(s.counts)) {
		s.attach(slot)
	}
	s.check()
	return s
}

// attach puts a newcomer into a slot.
func (s *crowdModel) attach(slot uint8) {
	if slot < firstConsumer {
		s.producers[slot] = &rowProducer{p: mustProducer(s.t, s.m, slot)}
		return
	}
	c := mustConsumer(s.t, s.m, slot)
	s.consumers[slot-firstConsumer] = &rowConsumer{c: c, stale: crowdShared(s.m, protocol.OffMPMCOrphans).Load() != 0}
}

// covering is the frame that a granule is of, if it is not free.
func (s *crowdModel) covering(pos uint64) *rowFrame {
	for _, f := range s.frames {
		if f.pos <= pos && pos < f.pos+f.span {
			return f
		}
	}
	return nil
}

// free reports whether so many granules behind the tail are: those of the lap before are finished.
func (s *crowdModel) free(granules uint64) bool {
	for pos := s.tail; pos < s.tail+granules; pos++ {
		if s.covering(pos-crowdSize(s.m)) != nil {
			return false
		}
	}
	return true
}

// rest is how many granules are behind the tail up to the end of the data.
func (s *crowdModel) rest() uint64 { return crowdSize(s.m) - s.tail%crowdSize(s.m) }

func (s *crowdModel) add(span uint64, owner, state uint8) *rowFrame {
	f := &rowFrame{pos: s.tail, span: span, owner: owner, state: state}
	s.frames = append(s.frames, f)
	s.tail += span
	return f
}

// finish gives a frame back.
func (s *crowdModel) finish(f *rowFrame) {
	s.frames = slices.DeleteFunc(s.frames, func(g *rowFrame) bool { return g == f })
}

// reserve makes room for n bytes, headers included. Padding stays though the frame does not fit behind it.
func (s *crowdModel) reserve(slot uint8, n int) (*rowFrame, Outcome) {
	span := (uint64(n) + smallGranule - 1) / smallGranule
	if rest := s.rest(); span > rest {
		if !s.free(rest) {
			return nil, Full
		}
		s.add(rest, 0, protocol.WordAbandoned)
	}
	if !s.free(span) {
		return nil, Full
	}
	return s.add(span, slot, protocol.WordClaimed), Done
}

// commit makes a claim a message, or several.
func (s *crowdModel) commit(f *rowFrame, messages ...rowMessage) {
	for _, msg := range messages {
		s.counts[f.owner][protocol.SlotSent]++
		s.counts[f.owner][protocol.SlotSentBytes] += uint64(len(msg.payload))
	}
	f.owner, f.state, f.messages = 0, protocol.WordCommitted, messages
}

func (s *crowdModel) message(n int) rowMessage {
	s.serial++
	return rowMessage{uint16(s.serial) << 4, pattern(n, s.serial)}
}

// producer is one that lives and has no claim, or nil.
func (s *crowdModel) producer(slot uint8) *rowProducer {
	if p := s.producers[slot]; p != nil && p.claim == nil {
		return p
	}
	return nil
}

func (s *crowdModel) send(slot uint8, n int) {
	p := s.producer(slot)
	if p == nil {
		return
	}
	msg := s.message(n)
	f, want := s.reserve(slot, n+protocol.FrameHeaderSize)
	require.Equal(s.t, want, p.p.Send(msg.payload, msg.typ))
	if want == Done {
		s.commit(f, msg)
	}
	s.check()
}

// sendBatch sends as many of the messages as may be in a batch, or, if those do not fit, half of them, and so on.
func (s *crowdModel) sendBatch(slot uint8, lengths []int) {
	p := s.producer(slot)
	if p == nil || len(lengths) == 0 {
		return
	}
	var messages []rowMessage
	var payloads [][]byte
	most, content := 0, protocol.BatchHeaderSize
	for _, n := range lengths {
		msg := s.message(n)
		msg.typ = uint16(slot) + 5
		messages, payloads = append(messages, msg), append(payloads, msg.payload)
		if content += int(protocol.FrameSize(uint64(n))); content <= len(s.m.Data)/4 {
			most++
		}
	}
	count, want := max(most, 1), Full
	var f *rowFrame
	for ; count > 0 && want == Full; count /= 2 {
		size := protocol.BatchHeaderSize
		for _, n := range lengths[:count] {
			size += int(protocol.FrameSize(uint64(n)))
		}
		if count == 1 { // needs no batch
			size = lengths[0] + protocol.FrameHeaderSize
		}
		if f, want = s.reserve(slot, size); want == Done {
			s.commit(f, messages[:count]...)
			break
		}
	}
	n, o := p.p.SendBatch(payloads, uint16(slot)+5)
	require.Equal(s.t, want, o)
	require.Equal(s.t, count, n)
	s.check()
}

func (s *crowdModel) claim(slot uint8, n int) {
	p := s.producer(slot)
	if p == nil {
		return
	}
	f, want := s.reserve(slot, n+protocol.FrameHeaderSize)
	space, o := p.p.Claim(uint64(n))
	require.Equal(s.t, want, o)
	if want == Done {
		require.Len(s.t, space, n)
		p.claim, p.length = f, n
		f.messages = []rowMessage{s.message(n)}
		copy(space, f.messages[0].payload)
	}
	s.check()
}

// endClaim commits some of the claim, or none.
func (s *crowdModel) endClaim(slot uint8, part int, abort bool) {
	p := s.producers[slot]
	if p == nil || p.claim == nil {
		return
	}
	f, msg := p.claim, p.claim.messages[0]
	p.claim = nil
	if abort {
		require.Equal(s.t, Done, p.p.Abort())
		s.counts[slot][protocol.SlotAborts]++
		f.owner, f.state, f.messages = 0, protocol.WordAbandoned, nil
	} else {
		msg.payload = msg.payload[:part%(p.length+1)]
		require.Equal(s.t, Done, p.p.Commit(uint64(len(msg.payload)), msg.typ))
		s.commit(f, msg)
	}
	s.check()
}

func (s *crowdModel) awaitRoom(slot uint8, n int) {
	if p := s.producers[slot]; p != nil {
		span := (uint64(n) + protocol.FrameHeaderSize + smallGranule - 1) / smallGranule
		want := Full
		if s.free(min(span, s.rest())) { // for the padding, if there must be some
			want = Done
		}
		require.Equal(s.t, want, p.p.AwaitRoom(uint64(n), 1))
		s.check()
	}
}

func (s *crowdModel) beginDrain(slot uint8) {
	if p := s.producers[slot]; p != nil {
		p.p.BeginDrain()
		p.drain, p.drainTo = true, s.tail
		s.check()
	}
}

// drained is what AwaitDrained says.
func (s *crowdModel) drained(p *rowProducer) Outcome {
	if len(s.frames) > 0 && s.frames[0].pos < p.drainTo {
		return Full
	}
	return Done
}
