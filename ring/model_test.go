package ring

import (
	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// model is a ring and what it should hold, as a plain queue. Each method makes one step with both and then compares them.
type model struct {
	t        require.TestingT
	m        Memory
	p        *Producer
	c        *Consumer
	capacity uint64
	serial   byte

	tail        uint64 // as published
	unpublished []modelMessage
	queue       []modelMessage // published and not finished, the one in hand included
	held        bool           // the first of the queue is in hand
	flagged     bool           // the first of the queue was in hand when a consumer died
	finishedTo  uint64         // end of the last message that was finished

	sent, sentBytes, received, receivedBytes uint64
	head                                     uint64 // at the last step
}

type modelMessage struct {
	at, end uint64
	typ     uint16
	payload []byte
}

func newModel(t require.TestingT, capacity, pos uint64) *model {
	m, p, c := newRing(t, capacity, pos)
	return &model{t: t, m: m, p: p, c: c, capacity: capacity, tail: pos, finishedTo: pos, head: pos}
}

// place is where the next message of n bytes goes, by the rules of the wire contract.
func (s *model) place(n int) (at, end uint64) {
	at = s.tail
	if k := len(s.unpublished); k > 0 {
		at = s.unpublished[k-1].end
	}
	frame := protocol.FrameSize(uint64(n))
	if rest := s.capacity - at%s.capacity; frame > rest {
		at += rest
	}
	return at, at + frame
}

func (s *model) fits(n int) Outcome {
	if _, end := s.place(n); end-load(s.m, protocol.OffHead) > s.capacity {
		return Full
	}
	return Done
}

func (s *model) message(n int) modelMessage {
	s.serial++
	at, end := s.place(n)
	return modelMessage{at, end, uint16(s.serial) << 3, pattern(n, s.serial)}
}

func (s *model) put(n int) {
	want, msg := s.fits(n), s.message(n)
	require.Equal(s.t, want, s.p.Put(msg.payload, msg.typ))
	if want == Done {
		s.unpublished = append(s.unpublished, msg)
	}
	s.check()
}

// claim claims n bytes and commits some of them, or none.
func (s *model) claim(n, commit int, abort bool) {
	want, msg := s.fits(n), s.message(n)
	space, o := s.p.Claim(uint64(n))
	require.Equal(s.t, want, o)
	s.check()
	if o != Done {
		return
	}
	copy(space, msg.payload)
	if abort {
		s.p.Abort()
	} else {
		s.p.Commit(uint64(commit), msg.typ)
		msg.payload = msg.payload[:commit]
		msg.end = msg.at + protocol.FrameSize(uint64(commit))
		s.unpublished = append(s.unpublished, msg)
	}
	s.check()
}

func (s *model) hasRoom(n int) {
	require.Equal(s.t, s.fits(n), s.p.HasRoom(uint64(n)))
	s.check()
}

func (s *model) publish() {
	s.p.Publish()
	s.published()
}

func (s *model) published() {
	for _, msg := range s.unpublished {
		s.sent++
		s.sentBytes += uint64(len(msg.payload))
		s.tail = msg.end
	}
	s.queue = append(s.queue, s.unpublished...)
	s.unpublished = nil
	s.check()
}

// finish is what Release does, and Next first of all.
func (s *model) finish() {
	if !s.held {
		return
	}
	s.received++
	s.receivedBytes += uint64(len(s.queue[0].payload))
	s.finishedTo = s.queue[0].end
	s.queue, s.held, s.flagged = s.queue[1:], false, false
}

func (s *model) next() {
	s.finish()
	payload, typ, o := s.c.Next()
	if len(s.queue) == 0 {
		require.Equal(s.t, Empty, o)
		require.Equal(s.t, s.finishedTo, load(s.m, protocol.OffHead), "all credit must be back")
	} else {
		require.Equal(s.t, Done, o, "%v", s.c.Err())
		require.Equal(s.t, s.queue[0].payload, append([]byte{}, payload...))
		require.Equal(s.t, s.queue[0].typ, typ)
		require.Equal(s.t, typ, s.c.Type())
		require.Equal(s.t, s.flagged, s.c.Redelivered())
		s.held = true
	}
	s.check()
}

func (s *model) release() {
	s.finish()
	s.c.Release()
	s.check()
}

func (s *model) putBack() {
	s.held = false
	s.c.Return()
	s.check()
}

func (s *model) rest() {
	s.c.Rest()
	start := s.finishedTo
	if s.held {
		start = s.queue[0].at
	}
	require.Contains(s.t, s.resumes(start), load(s.m, protocol.OffHead))
	s.check()
}

func (s *model) look(first bool) {
	want := Done
	if len(s.queue) == 0 || s.held && len(s.queue) == 1 {
		want = Empty
	}
	if first { // that it returns credit is for Look alone
		require.Equal(s.t, want == Done, s.c.Glance())
		s.check()
	}
	require.Equal(s.t, want, s.c.Look(1, first))
	s.check()
}

// send is put and publish in one.
func (s *model) send(n int) {
	want, msg := s.fits(n), s.message(n)
	require.Equal(s.t, want, s.p.Send(msg.payload, msg.typ))
	if want != Done {
		s.check()
		return
	}
	s.unpublished = append(s.unpublished, msg)
	s.published()
}

// loseProducer kills the producer where it stands and makes another: what was not published is gone.
func (s *model) loseProducer(fenced bool) {
	var err error
	s.p, err = NewProducer(s.m, fenced)
	require.NoError(s.t, err)
	s.unpublished = nil
	s.check()
}

// loseConsumer kills the consumer where it stands and makes another: what was in hand comes again.
func (s *model) loseConsumer() {
	s.c = newConsumer(s.t, s.m)
	s.flagged = s.flagged || s.held
	s.held = false
	s.check()
}

// resumes is where the cursor may stand while nothing is in hand: the consumer need not have skipped the padding.
func (s *model) resumes(at uint64) []uint64 {
	if len(s.queue) == 0 {
		return []uint64{at}
	}
	return []uint64{at, s.queue[0].at}
}

// check demands what holds after every step.
func (s *model) check() {
	tail, head, cursor := load(s.m, protocol.OffTail), load(s.m, protocol.OffHead), load(s.m, protocol.OffCursor)
	pos := cursor &^ inHand
	require.Equal(s.t, s.tail, tail, "tail")
	require.LessOrEqual(s.t, s.head, head, "the head must not go back")
	s.head = head
	require.LessOrEqual(s.t, head, pos, "head and cursor")
	require.LessOrEqual(s.t, pos, tail, "cursor and tail")
	require.LessOrEqual(s.t, tail-head, s.capacity)
	for _, v := range []uint64{tail, head, pos} {
		require.Zero(s.t, v%protocol.FrameAlign)
	}
	delivered := pos
	if s.held || s.flagged {
		require.Equal(s.t, s.queue[0].at|inHand, cursor)
		if s.held {
			delivered = s.queue[0].end
		}
	} else {
		require.Contains(s.t, s.resumes(s.finishedTo), cursor)
	}
	require.Equal(s.t, tail-delivered, s.c.Backlog())
	require.Equal(s.t, s.held, s.c.Held())
	require.Equal(s.t, s.held && s.flagged, s.c.Redelivered())
	require.Equal(s.t, head == tail, s.p.Drained())
	require.Equal(s.t, []uint64{s.sent, s.sentBytes, s.received, s.receivedBytes}, []uint64{
		load(s.m, protocol.OffSent), load(s.m, protocol.OffSentBytes), load(s.m, protocol.OffReceived), load(s.m, protocol.OffReceivedBytes)})
	require.NoError(s.t, s.p.Err())
	require.NoError(s.t, s.c.Err())
}
