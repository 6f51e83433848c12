//go:build seam && linux

package crash_test

import (
	"fmt"

	"shmpipe"
	"shmpipe/internal/seam"
	"shmpipe/internal/shmtest"
)

// order is what a process of a case is told to do, in one line.
type order struct {
	name   string // of the segment
	mode   shmpipe.Mode
	wait   shmpipe.WaitStrategy
	seed   uint64
	script string    // what to play
	die    seam.Site // where; 0: nowhere
	nth    uint64    // at which arrival there
}

const orderLine = "%s %d %d %d %s %d %d"

func (o order) line() string {
	return fmt.Sprintf(orderLine, o.name, o.mode, o.wait, o.seed, o.script, o.die, o.nth)
}

func parseOrder(line string) (o order, err error) {
	_, err = fmt.Sscanf(line, orderLine, &o.name, &o.mode, &o.wait, &o.seed, &o.script, &o.die, &o.nth)
	if err != nil {
		err = fmt.Errorf("order %q: %w", line, err)
	}
	return o, err
}

// tell sends a process an order.
func tell(p *shmtest.Process, o order) { p.Tell(o.line()) }
