package trial

import (
	"runtime"
	"time"

	"shmpipe/futex"
	"shmpipe/internal/spin"
)

// send is the sending side's part, from the gate on.
func (s *side) send() error {
	if s.job.Mode == First { // they have met before
		return s.tx.Send(Pattern(s.job.Size))
	}
	work := map[string]func() error{Throughput: s.sendAll, Channels: s.sendAll, RoundTrip: s.bounce, Load: s.sendPaced, Idle: s.watchIdle}[s.job.Mode]
	runtime.GC()
	s.page.word(wordReady).Store(1)
	if err := s.page.spinUntil(wordGo, "wait for the receiving process to start"); err != nil {
		return err
	}
	cpu := cpuTime()
	if err := work(); err != nil {
		return err
	}
	if !s.inside {
		s.page.word(wordCPU).Store(uint64(cpuTime() - cpu))
	}
	s.page.word(wordSent).Store(1)
	return nil
}

func (s *side) sendAll() error { return sendAll(s.job, s.tx) }

// bounce sends back what comes.
func (s *side) bounce() error {
	receive, check, msg := receiveFunc(s.rx), NewChecker(s.job.Size), Pattern(s.job.Size)
	for i := range uint64(s.job.Count) {
		if err := receive(check, i+1); err != nil {
			return err
		}
		Stamp(msg, i)
		if err := s.tx.Send(msg); err != nil {
			return err
		}
	}
	return nil
}

// sendPaced sends message i when it is due, or as soon after as it can. It does not sleep, whatever WAIT says: a sleep would not end in time.
func (s *side) sendPaced() error {
	msg := Pattern(s.job.Size)
	start := futex.Now()
	for i := range uint64(s.job.Count) {
		at := due(start, i, s.job.Extra)
		for futex.Now() < at {
			s.passTime()
		}
		Stamp(msg, uint64(at))
		if err := s.tx.Send(msg); err != nil {
			return err
		}
	}
	return nil
}

// passTime is one turn of a loop that waits for the clock. A contestant's own goroutines, which may have to write what was sent before, get the
// CPU meanwhile: a spin would keep it from them for a whole time slice, and that would be what is measured. Where there are none, to give way
// would only cost time.
func (s *side) passTime() {
	if s.crowded {
		runtime.Gosched()
	} else {
		spin.Pause(1)
	}
}

// watchIdle finds out what the receiver's waiting costs, and then ends it with a message. It leaves it some time to settle.
func (s *side) watchIdle() error {
	length := time.Duration(s.job.Count) * time.Millisecond
	time.Sleep(min(length/4, 50*time.Millisecond))
	start := time.Now()
	before, err := cpuTimeOf(s.peer)
	if err != nil {
		return err
	}
	time.Sleep(length)
	after, err := cpuTimeOf(s.peer)
	if err != nil {
		return err
	}
	s.page.word(wordIdle).Store(uint64(after - before))
	s.page.word(wordIdleTime).Store(uint64(time.Since(start)))
	return s.tx.Send(Pattern(s.job.Size))
}
