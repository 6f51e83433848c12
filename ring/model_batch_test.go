package ring

import (
	"errors"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"shmpipe/protocol"
)

// putAll puts several messages in one call.
func (s *model) putAll(lengths []int) {
	var msgs [][]byte
	start := s.p.tail
	typ, fit, want := uint16(s.serial)*257, 0, Done
	for _, n := range lengths {
		msg := s.message(n)
		msgs = append(msgs, msg.payload)
		if want != Done {
			continue
		}
		if want = s.fits(n); want == Done {
			msg.typ = typ
			s.unpublished = append(s.unpublished, msg)
			fit++
		}
	}
	n, o := s.p.PutAll(msgs, typ)
	require.Equal(s.t, want, o)
	require.Equal(s.t, fit, n)
	s.publishedInSteps(start, fit)
	s.check()
}

// publishedInSteps takes from the unpublished what a batch of the last fit messages, which began at start, published on its way.
func (s *model) publishedInSteps(start uint64, fit int) {
	first := len(s.unpublished) - fit
	done := 0
	for i, msg := range s.unpublished[first:] {
		if msg.end-start >= publishStep {
			start, done = msg.end, first+i+1
		}
	}
	rest := s.unpublished[done:]
	s.unpublished = s.unpublished[:done]
	for _, msg := range s.unpublished {
		s.sent++
		s.sentBytes += uint64(len(msg.payload))
		s.tail = msg.end
	}
	s.queue = append(s.queue, s.unpublished...)
	s.unpublished = append([]modelMessage(nil), rest...)
}

var errVisit = errors.New("of the visitor")

// each delivers up to limit messages; the visitor fails, or panics, at number bad.
func (s *model) each(limit, bad int, panics bool) {
	s.next()
	if !s.held {
		return
	}
	payload, _, o := s.again()
	require.Equal(s.t, Done, o)
	visits := 0
	visit := func(payload []byte) error {
		if visits > 0 { // the one before is finished
			s.held = true
			s.finish()
		}
		s.held = true
		visits++
		require.Equal(s.t, s.queue[0].payload, append([]byte{}, payload...))
		require.Equal(s.t, s.queue[0].typ, s.c.Type())
		require.Equal(s.t, s.flagged, s.c.Redelivered())
		if visits-1 != bad {
			return nil
		}
		s.held = false // put back
		if panics {
			panic(errVisit)
		}
		return errVisit
	}
	there := len(s.queue)
	var n int
	var err error
	var stop atomic.Bool
	func() {
		defer func() {
			if r := recover(); r != nil {
				n, o, err = bad, Done, r.(error)
			}
		}()
		n, o, err = s.c.Each(payload, limit, &stop, visit)
	}()
	if s.held {
		s.finish()
	}
	want := min(limit, there)
	if bad < want {
		require.Equal(s.t, errVisit, err)
		want = bad
	} else {
		require.NoError(s.t, err)
		require.Equal(s.t, limit > there, o == Empty)
	}
	require.Equal(s.t, want, n)
	require.Contains(s.t, s.resumes(s.finishedTo), load(s.m, protocol.OffHead), "all credit must be back")
	s.check()
}

// again delivers the message in hand once more.
func (s *model) again() ([]byte, uint16, Outcome) {
	s.c.Return()
	return s.c.Next()
}
