package ring

// The races of a ring are too narrow to be met by chance. So here is a model of it, small enough to try every interleaving, with a crash
// of either side between any two steps and a successor after it. A step is one access to shared memory; what happens privately
// in between is part of the step. Memory is sequentially consistent: docs/memory-ordering.md says why that is enough.
//
// Sizes are in cells. A frame is a header cell and payload cells; each cell holds whose frame it belongs to and which
// producer wrote it, so that a torn or an overwritten message is seen.

const (
	modelCapacity        = 8
	modelProducerCrashes = 1
	modelConsumerCrashes = 2
)

// ringFlaw says how a variant of the ring differs from the real one.
type ringFlaw struct {
	tailFirst      bool // the tail is stored before the frame is written
	freeUnchecked  bool // the producer does not look at its credit
	padUncounted   bool // the padding is not counted in what the producer needs
	creditEarly    bool // the frame in hand is given back too
	creditNever    bool // a consumer that finds nothing keeps its credit
	headFirst      bool // the head is stored before the cursor
	cursorLate     bool // the cursor is stored when the message has been read
	bitForgotten   bool // the cursor does not say that a frame is in hand
	bitLost        bool // when a successor returns credit, the cursor loses the bit of the frame that comes again
	flagForgotten  bool // a successor does not look at the bit
	attachAtHead   bool // a successor goes on where the credit ends, not at the cursor
	finishUnstored bool // Release returns credit but does not store the cursor
	nobodyDies     bool // no flaw: to see what goes wrong even without a crash
}

// modelFrame is a frame of the stream, which is the same in every run.
type modelFrame struct {
	at, end uint8
	padding bool
	message uint8 // number of the message, from 1
}

// ringModel is a stream and a variant of the ring.
type ringModel struct {
	ringFlaw
	frames []modelFrame
	step   uint8 // credit is returned when so much has gathered
	total  uint8 // messages
	broken string
}

func newRingModel(flaw ringFlaw, step uint8, sizes ...uint8) *ringModel {
	m := &ringModel{ringFlaw: flaw, step: step, total: uint8(len(sizes))}
	at := uint8(0)
	for i, n := range sizes {
		if rest := modelCapacity - at%modelCapacity; n > rest {
			m.frames = append(m.frames, modelFrame{at, at + rest, true, 0})
			at += rest
		}
		m.frames = append(m.frames, modelFrame{at, at + n, false, uint8(i + 1)})
		at += n
	}
	return m
}

// pos is the position of frame i, or the end of the last one.
func (m *ringModel) pos(i uint8) uint8 {
	if int(i) == len(m.frames) {
		return m.frames[i-1].end
	}
	return m.frames[i].at
}

// frameAt is the inverse of pos.
func (m *ringModel) frameAt(pos uint8) uint8 {
	for i := range m.frames {
		if m.frames[i].at == pos {
			return uint8(i)
		}
	}
	if pos != m.pos(uint8(len(m.frames))) {
		m.fail("a position within a frame")
	}
	return uint8(len(m.frames))
}

func (m *ringModel) fail(why string) { m.broken = why }

// Where a producer is.
const (
	producerLoadsTail = iota // attaches
	producerLoadsHead
	producerIdle
	producerWrites
)

// Where a consumer is.
const (
	consumerLoadsHead = iota // attaches
	consumerLoadsCursor
	consumerLoadsTail
	consumerIdle
	consumerStoresCreditCursor
	consumerStoresCredit
	consumerLooks
	consumerRests
	consumerRestsMore
	consumerReadsHeader
	consumerStoresCursor
	consumerReadsPayload
	consumerStoresLate
	consumerReleases
	consumerReleasesMore
)

type modelProducer struct {
	at, frame, cell, credit, epoch, crashes uint8
}

type modelConsumer struct {
	at, next, hand, credited, tail, redeliver, cell, writer, crashes uint8
}

const modelNone = 99 // no frame is to be delivered again

// modelOracle is what the applications know.
type modelOracle struct {
	seen     uint8 // the last message delivered
	finished uint8 // the last message that its receiver finished, as far as it knows
	returned bool  // the last message was put back
}

type ringState struct {
	cells              [modelCapacity]uint8
	tail, head, cursor uint8
	inHand             bool
	p                  modelProducer
	c                  modelConsumer
	o                  modelOracle
}

func cellOf(frame, epoch uint8) uint8 { return frame<<2 | epoch + 1 }

// next calls yield with each state that one step of anybody leads to.
func (m *ringModel) next(s ringState, yield func(n ringState, crash bool)) {
	m.stepProducer(s, yield)
	m.stepConsumer(s, yield)
	if m.nobodyDies {
		return
	}
	if s.p.crashes < modelProducerCrashes {
		n := s
		n.p = modelProducer{epoch: s.p.epoch + 1, crashes: s.p.crashes + 1}
		yield(n, true)
	}
	if s.c.crashes < modelConsumerCrashes {
		n := s
		n.c = modelConsumer{redeliver: modelNone, crashes: s.c.crashes + 1}
		yield(n, true)
	}
}

func (m *ringModel) stepProducer(s ringState, yield func(n ringState, crash bool)) {
	p := &s.p
	switch p.at {
	case producerLoadsTail:
		p.frame = m.frameAt(s.tail)
		p.at++
	case producerLoadsHead:
		if s.head > s.tail || s.tail > s.head+modelCapacity {
			m.fail("a sound ring is refused by a new producer")
		}
		p.credit = s.head + modelCapacity
		p.at++
	case producerIdle:
		if s.tail != m.pos(p.frame) && !m.tailFirst { // publish now, or after more messages
			n := s
			n.tail = m.pos(p.frame)
			yield(n, false)
		}
		if int(p.frame) == len(m.frames) {
			return
		}
		f := m.frames[p.frame]
		end := f.end
		if f.padding && !m.padUncounted {
			end = m.frames[p.frame+1].end
		}
		if end > p.credit && !m.freeUnchecked {
			if s.head < p.credit-modelCapacity || s.head > m.pos(p.frame) {
				m.fail("a sound head is refused")
			}
			p.credit = s.head + modelCapacity
			break
		}
		p.at = producerWrites
		if m.tailFirst {
			s.tail = end
			break
		}
		m.write(&s)
	case producerWrites:
		m.write(&s)
	}
	yield(s, false)
}

// write writes one cell. Padding and the message behind it are one: there is no check between.
func (m *ringModel) write(s *ringState) {
	p := &s.p
	f := m.frames[p.frame]
	s.cells[(f.at+p.cell)%modelCapacity] = cellOf(p.frame, p.epoch)
	if p.cell++; f.padding || f.at+p.cell == f.end {
		p.cell = 0
		p.frame++
		p.at = producerIdle
		if f.padding {
			p.at = producerWrites
		}
	}
}

// delivered is told that a message is handed to the application.
func (m *ringModel) delivered(s *ringState, message uint8, flagged bool) {
	o := &s.o
	switch {
	case message == o.seen+1:
		if flagged {
			m.fail("flagged, though nobody saw it")
		}
		if o.finished != o.seen {
			m.fail("the one before was never finished")
		}
	case message == o.seen && message != o.finished:
		if !flagged && !o.returned {
			m.fail("delivered twice without a flag")
		}
	case message <= o.seen:
		m.fail("delivered again after it was finished")
	default:
		m.fail("lost")
	}
	o.seen, o.returned = message, false
}

// done reports whether everything has come to its end.
func (m *ringModel) done(s ringState) bool {
	return s.o.finished == m.total && s.head == m.pos(uint8(len(m.frames))) && s.c.at == consumerIdle
}
