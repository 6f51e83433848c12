package mqueue

import (
	"time"

	"shmpipe/internal/spin"
)

// spinner tries again for a while before an end sleeps. A POSIX queue holds ten messages, as a rule, so two busy sides find it full or empty
// all the time, and to park and to be found ready by the runtime's poller costs as much as twenty messages. How long it
// tries follows what came of it: up to the longest while it succeeds, down to nearly nothing while it does not, as when the sides sleep
// in turn.
type spinner struct {
	most, budget uint64 // ticks
}

const (
	leastSpin  = 2  // microseconds
	spinPauses = 32 // between two tries, each of which is a system call that takes the queue's lock from the other side
)

func newSpinner(most time.Duration) spinner {
	ticks := uint64(max(most, 0).Microseconds()) * spin.TicksPerMicrosecond()
	return spinner{most: ticks, budget: ticks}
}

// spin calls try until it says that it is done, and returns true; or for as long as seems worth while.
func (s *spinner) spin(try func() (done bool)) bool {
	if s.most == 0 {
		return false
	}
	start := spin.Ticks()
	for {
		spin.Pause(spinPauses)
		if try() {
			s.budget = min(2*s.budget, s.most)
			return true
		}
		if spin.Ticks()-start >= s.budget {
			s.budget = max(s.budget/2, min(leastSpin*spin.TicksPerMicrosecond(), s.most))
			return false
		}
	}
}
