package trial

import (
	"runtime"
	"time"

	"shmpipe/internal/spin"
)

// span is what the receiving side measures around its work.
type span struct {
	start time.Time
	cpu   int64
}

// open lets the sending side start, and begins a span.
func (s *side) open() span {
	s.page.word(wordGo).Store(1)
	return span{time.Now(), cpuTime()}
}

// cpuPerMessage waits for the sending side to be done and returns what a message cost on both.
func (s *side) cpuPerMessage(receiver int64) (float64, error) {
	if err := s.page.sleepUntil(wordSent, grace, "all messages came, but the sending process does not end"); err != nil {
		return 0, err
	}
	return float64(receiver+int64(s.page.word(wordCPU).Load())) / float64(s.job.Count), nil
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
	check, receive := NewChecker(s.job.Size), receiveFunc(s.rx)
	begin := s.open()
	if err := receive(check, uint64(s.job.Count)); err != nil {
		return nil, err
	}
	elapsed, cpu := time.Since(begin.start), cpuTime()-begin.cpu
	if err := check.End(); err != nil {
		return nil, err
	}
	perMessage, err := s.cpuPerMessage(cpu)
	var f findings
	f.add("msgs_per_s", "%.0f", float64(s.job.Count)/elapsed.Seconds())
	f.add("cpu_ns_per_msg", "%.2f", perMessage)
	return f, err
}

// roundTrips reads the clock once a round trip, the end of one being the start of the next; what that costs is in the figures. As the
// contestants in C do, it counts ticks of the processor, and finds their length from two readings of the clock around all trips.
func (s *side) roundTrips() (findings, error) {
	check, receive, msg := NewChecker(s.job.Size), receiveFunc(s.rx), Pattern(s.job.Size)
	took := present(s.job.Count)
	progress := s.page.word(wordProgress)
	begin := s.open()
	first := spin.Ticks()
	last := first
	for i := range took {
		Stamp(msg, uint64(i))
		if err := s.tx.Send(msg); err != nil {
			return nil, err
		}
		if err := receive(check, uint64(i)+1); err != nil {
			return nil, err
		}
		now := spin.Ticks()
		took[i], last = now-last, now
		if i%64 == 0 {
			progress.Store(uint64(i))
		}
	}
	elapsed, cpu := time.Since(begin.start), cpuTime()-begin.cpu
	if err := check.End(); err != nil {
		return nil, err
	}
	perMessage, err := s.cpuPerMessage(cpu)
	if err != nil {
		return nil, err
	}
	unit := float64(elapsed) / float64(max(last-first, 1))
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

func (s *side) underLoad() (findings, error) {
	check, receive := newLoadChecker(s.job.Size, s.job.Count, s.job.Extra), receiveFunc(s.rx)
	begin := s.open()
	if err := receive(check, uint64(s.job.Count)); err != nil {
		return nil, err
	}
	elapsed, cpu := time.Since(begin.start), cpuTime()-begin.cpu
	if err := check.End(); err != nil {
		return nil, err
	}
	perMessage, err := s.cpuPerMessage(cpu)
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
	check := NewChecker(s.job.Size)
	s.open()
	if err := receiveFunc(s.rx)(check, 1); err != nil {
		return nil, err
	}
	if err := check.End(); err != nil {
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
