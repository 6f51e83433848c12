package trial

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Modes, as the command line names them.
const (
	Throughput = "thr"
	RoundTrip  = "rtt"
	Load       = "load"
	Idle       = "idle"
	First      = "first"
	Channels   = "chan" // only contestants that say so have it, see [Moder]
)

// Ways of waiting, as WAIT names them.
const (
	Busy  = "busy"
	Block = "block"
)

// defaultCapacity is the buffer in bytes where CAP does not say.
const defaultCapacity = 4194304

// Job is one trial, as the command line and the environment ask for it.
type Job struct {
	Name, Mode string
	Size       int    // bytes of a message
	Count      int    // messages or, in the mode idle, milliseconds
	Extra      int    // messages in a batch (thr), messages a second (load), channels (chan); 0 if not given
	Wait       string // Busy or Block
	Capacity   int    // bytes of buffer
	Samples    string // file for latencies; "" = none
	Unpinned   bool   // leave placement to the scheduler
}

// Cannot is the error of a contestant that cannot do what is asked for, here or at all: exit status 3. It may be wrapped.
type Cannot struct{ Why string }

func (c Cannot) Error() string { return c.Why }

// Batch is how many messages to send at once: 1 unless the job asks for more.
func (j Job) Batch() int {
	if j.Mode == Throughput {
		return max(j.Extra, 1)
	}
	return 1
}

// Prefaults reports whether a contestant that makes memory should touch it beforehand: page faults do not belong to what is measured, except in
// the mode first, where they are part of the price of a new object, for those who come to touch it.
func (j Job) Prefaults() bool { return j.Mode != First }

// Blocks reports whether both sides should sleep when there is nothing to do.
func (j Job) Blocks() bool { return j.Wait == Block }

// ObjectName is how the names of all objects begin that this process creates for a trial.
func ObjectName() string { return fmt.Sprintf("shmpipe-bench-%d", os.Getpid()) }

// usage is the error of a command line that makes no sense: exit status 2.
type usage struct{ error }

func usagef(format string, args ...any) error { return usage{fmt.Errorf(format, args...)} }

// Parse reads a command line, NAME MODE SIZE COUNT [EXTRA], and the environment. A mode that it does not know is [Cannot]; any other
// error says what it wants.
func Parse(args []string) (Job, error) {
	if len(args) < 4 || len(args) > 5 {
		return Job{}, usagef("got %d arguments, want NAME MODE SIZE COUNT [EXTRA]", len(args))
	}
	j := Job{Name: args[0], Mode: args[1], Wait: os.Getenv("WAIT"), Samples: os.Getenv("SAMPLES"), Unpinned: os.Getenv("UNPINNED") == "1"}
	if j.Wait == "" {
		j.Wait = Busy
	}
	if j.Wait != Busy && j.Wait != Block {
		return Job{}, usagef("WAIT is %q, want %s or %s", j.Wait, Busy, Block)
	}
	var err error
	if j.Capacity, err = number("CAP", os.Getenv("CAP"), defaultCapacity); err != nil {
		return Job{}, err
	}
	for i, to := range []*int{&j.Size, &j.Count, &j.Extra} {
		if i+2 == len(args) {
			break
		}
		if *to, err = number([]string{"SIZE", "COUNT", "EXTRA"}[i], args[i+2], 0); err != nil {
			return Job{}, err
		}
	}
	return j, j.validate()
}

func (j Job) validate() error {
	switch j.Mode {
	case Throughput, RoundTrip, First, Idle:
	case Load:
		if j.Extra < 1 {
			return usagef("mode load: EXTRA is %d, want a rate of messages a second", j.Extra)
		}
	case Channels:
		if j.Extra < 1 {
			return usagef("mode chan: EXTRA is %d, want a number of channels", j.Extra)
		}
	default:
		return Cannot{fmt.Sprintf("mode %q: want thr, rtt, load, idle, first or chan", j.Mode)}
	}
	if j.Size < 8 && j.Mode != Idle {
		return usagef("SIZE is %d, want at least 8: the message's number", j.Size)
	}
	if j.Count < 1 || j.Capacity < 1 {
		return usagef("COUNT is %d and CAP %d, want at least 1", j.Count, j.Capacity)
	}
	return nil
}

func number(what, text string, otherwise int) (int, error) {
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, usagef("%s is %q, want a whole number", what, text)
	}
	return n, nil
}

// status is the exit status that an error stands for.
func status(err error) int {
	var c Cannot
	var u usage
	switch {
	case err == nil:
		return 0
	case errors.As(err, &c):
		return 3
	case errors.As(err, &u):
		return 2
	}
	return 1
}
