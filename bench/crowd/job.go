package crowd

import (
	"fmt"

	"shmpipe"
)

// shape is how many processes there are.
type shape struct{ Producers, Consumers int }

func (s shape) String() string { return fmt.Sprintf("%dx%d", s.Producers, s.Consumers) }

// processes is how many there are: the producers come first.
func (s shape) processes() int { return s.Producers + s.Consumers }

const mostProcesses = 1000 // of one kind; more is a typing error

func parseShape(text string) (shape, error) {
	var s shape
	if n, err := fmt.Sscanf(text, "%dx%d", &s.Producers, &s.Consumers); n != 2 || err != nil || s.String() != text ||
		min(s.Producers, s.Consumers) < 1 || max(s.Producers, s.Consumers) > mostProcesses {
		return shape{}, fmt.Errorf("shape is %q, want producers x consumers, 1 to %d of each, such as 2x2", text, mostProcesses)
	}
	return s, nil
}

// job is one run. Each process gets a copy.
type job struct {
	Name     string
	Shape    shape
	Size     int // bytes of a message
	Count    int // messages of each producer
	Ring     int // bytes
	Wait     string
	Unpinned bool

	Files  int // of the queue, which each process inherits
	Object int // number of the queue, where the kernel knows it by that and not by a file
}

func (j job) check() error {
	c, ok := contestants[j.Name]
	switch {
	case !ok:
		return mistakef("contestant is %q, want one of %s", j.Name, names())
	case j.Shape.processes() > 2 && c.alone():
		return cannotf("%s has one producer and one consumer, not %v", j.Name, j.Shape)
	case j.Size < 8 || j.Size%8 != 0:
		return cannotf("size is %d, want a multiple of 8: messages carry their number at both ends", j.Size)
	case j.Count < 1 || uint64(j.Count) > lastSequence:
		return mistakef("count is %d, want at least 1", j.Count)
	case j.Ring < 4096:
		return mistakef("ring has %d bytes, want at least 4096", j.Ring)
	}
	if _, err := shmpipe.ParseWaitStrategy(j.Wait); err != nil {
		return mistake{err}
	}
	return nil
}

// options are those of shmpipe in all processes.
func (j job) options() *shmpipe.Options {
	wait, _ := shmpipe.ParseWaitStrategy(j.Wait) // check has seen to it
	return &shmpipe.Options{Backend: shmpipe.Memfd, Prefault: true, Wait: wait}
}
