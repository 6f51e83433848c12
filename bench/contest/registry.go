package contest

import (
	"maps"
	"slices"

	"shmpipe/bench/trial"
)

// contestant is one of the registry.
type contestant struct {
	trial.Transport
	about string     // one line
	limit func() int // bytes of the largest message; nil: the buffer decides, or nothing does
}

// Find looks up a contestant by its name.
func Find(name string) (trial.Transport, bool) {
	c, ok := contestants[name]
	return c.Transport, ok
}

// Names are all contestants, in the order of the alphabet. On systems other than Linux there are none.
func Names() []string { return slices.Sorted(maps.Keys(contestants)) }

// Describe says in one line what a contestant is and how it is used; "" if there is no such contestant.
func Describe(name string) string { return contestants[name].about }

// Modes are the modes that a contestant has; nil if there is no such contestant.
func Modes(name string) []string {
	c, ok := contestants[name]
	if !ok {
		return nil
	}
	return trial.Modes(c.Transport)
}

// Limits says how many bytes a message may have on this machine, whatever the buffer; 0 = any number.
func Limits(name string) (maxSize int) {
	if c := contestants[name]; c.limit != nil {
		return c.limit()
	}
	return 0
}
