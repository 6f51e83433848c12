package suite

import (
	"errors"
	"time"
)

const usualLimit = 20 * time.Second

// Settings of a run.
type Settings struct {
	Plan      Plan
	Catalogue []Contestant
	Dirs      Dirs
	Limit     time.Duration // of a trial; 0 = usual
	Seed      uint64        // of the order in a round; 0 = another each time
	Version   string        // of shmpipe
	Command   string        // that makes such a run again
	Progress  Progress      // nil: none
}

// Progress is told how far a run is. It is called by one goroutine.
type Progress interface {
	Begin(steps int)
	Step(what string) // a step begins
	Say(line string)
	End()
}

// ErrNobody: the plan names no contestant that there is.
var ErrNobody = errors.New("there is nothing to run")

type silent struct{}

func (silent) Begin(int)   {}
func (silent) Step(string) {}
func (silent) Say(string)  {}
func (silent) End()        {}
