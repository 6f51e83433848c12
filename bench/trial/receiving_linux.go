package trial

import (
	"runtime"
	"time"

	"shmpipe/internal/spin"
)

// measure lets the sending side start and does the work of this one. It returns how long that took, and what a message cost on both sides, for
// which it waits until the sending side is done.
func (s *side) measure(work func() error) (elapsed time.Duration, perMessage float64, err error) {
	s.page.word(wordGo).Store(1)
	start, cpu := time.Now(), cpuTime()
	if err := work(); err != nil {
		return 0, 0, err
	}
	elapsed, cpu = time.Since(start), cpuTime()-cpu
	if err := s.page.sleepUntil(wordSent, grace, "all messages came, but the sending process does not end"); err != nil {
		return 0, 0, err
	}
	return elapsed, float64(cpu+int64(s.page.word(wordCPU).Load())) / float64(s.job.Count), nil
}

// receiveJob is work for measure.
func (s *side) receiveJob(check *Checker) func() error {
	receive := receiveFunc(s.rx)
	return func() error { return receive(check, uint64(s.job.Count)) }
}

// receive is the receiving side's part, from the gate on.
func (s *side) receive() (findings, error) {
	runtime.GC()
	if err := s.page.spinUntil(wordReady, "wait for the sending process to be ready"); err != nil {
		return nil, err
	}
	if r, ok := s.handle.(Remover); ok {
		if err := r.Remove(false); err != nil {
			return nil, err
		}
	}
	return map[string]func() (findings, error){
		Throughput: s.throughput, Channels: s.throughput, RoundTrip: s.roundTrips, Load: s.underLoad, Idle: s.idle,
	}[s.job.Mode]()
}

func (s *side) throughput() (findings, error) {
	elapsed, perMessage, err := s.measure(s.receiveJob(NewChecker(s.job.Size)))
	if err != nil {
		return nil, err
	}
	var f findings
	f.add("msgs_per_s", "%.0f", float64(s.job.Count)/elapsed.Seconds())
	f.add("cpu_ns_per_msg", "%.2f", perMessage)
	return f, nil
}

func (s *side) roundTrips() (findings, error) {
	check, receive, msg := NewChecker(s.job.Size), receiveFunc(s.rx), Pattern(s.job.Size)
	took := present(s.job.Count)
	var ticks uint64
	elapsed, perMessage, err := s.measure(func() (err error) {
		ticks, err = s.timeTrips(took, msg, check, receive)
		return err
	})
	if err != nil {
		return nil, err
	}
	unit := float64(elapsed) / float64(max(ticks, 1))
	for i, t := range took {
		took[i] = uint64(float64(t)*unit + 0.5)
	}
	if err := writeSamples(s.job.Samples, took); err != nil {
		return nil, err
	}
	var f findings
	f.addQuantiles(took)
	f.add("mean_ns", "%.1f", float64(elapsed)/float64(s.job.Count))
	f.add("cpu_ns_per_msg", "%.2f", perMessage)
	return f, nil
}

// timeTrips makes a round trip for each place of took and writes there how many ticks it took; it returns those of all. It reads the clock once a
// trip, the end of one being the start of the next; what that costs is in the figures. As the contestants in C do, it counts ticks of the
// processor, whose length its caller finds from two readings of the clock around all trips: so there is nothing in here beside the trips.
func (s *side) timeTrips(took []uint64, msg []byte, check *Checker, receive receiveAll) (ticks uint64, err error) {
	progress := s.page.word(wordProgress)
	first := spin.Ticks()
	last := first
	for i := range took {
		Stamp(msg, uint64(i))
		if err := s.tx.Send(msg); err != nil {
			return 0, err
		}
		if err := receive(check, uint64(i)+1); err != nil {
			return 0, err
		}
		now := spin.Ticks()
		took[i], last = now-last, now
		if i%64 == 0 {
			progress.Store(uint64(i))
		}
	}
	return last - first, nil
}

func (s *side) underLoad() (findings, error) {
	check := newLoadChecker(s.job.Size, s.job.Count, s.job.Extra)
	elapsed, perMessage, err := s.measure(s.receiveJob(check))
	if err != nil {
		return nil, err
	}
	if err := writeSamples(s.job.Samples, check.load.took); err != nil {
		return nil, err
	}
	var f findings
	f.add("rate", "%.0f", float64(s.job.Count)/elapsed.Seconds())
	f.addQuantiles(check.load.took)
	f.add("cpu_ns_per_msg", "%.2f", perMessage)
	return f, nil
}

// idle waits for the one message that ends the trial. The sending side measures, since this one should do nothing at all.
func (s *side) idle() (findings, error) {
	s.page.word(wordGo).Store(1)
	if err := receiveFunc(s.rx)(NewChecker(s.job.Size), 1); err != nil {
		return nil, err
	}
	if err := s.page.sleepUntil(wordSent, grace, "the message came, but the sending process does not end"); err != nil {
		return nil, err
	}
	used, length := s.page.word(wordIdle).Load(), s.page.word(wordIdleTime).Load()
	var f findings
	f.add("cpu_us", "%.1f", float64(used)/1e3*1e9/float64(max(length, 1)))
	return f, nil
}
