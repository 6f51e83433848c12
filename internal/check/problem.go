package check

import (
	"errors"
	"fmt"

	"shmpipe/protocol"
)

// Segmentwide is the Ring of a problem that belongs to no ring.
const Segmentwide = -1

// Problem is one thing that was found.
type Problem struct {
	Ring   int    // index of the ring, or Segmentwide
	Offset uint64 // in the segment, bytes
	Text   string // what is wrong: got and want
	Advice string // what to do about it; "" if nothing need be done
	Note   bool   // worth knowing, but nothing is broken: a participant that died, for instance
}

func (p Problem) String() string {
	where := "segment"
	if p.Ring != Segmentwide {
		where = fmt.Sprintf("ring %d", p.Ring)
	}
	return fmt.Sprintf("%s, offset %#x: %s", where, p.Offset, p.Text)
}

const (
	adviseRenew = "remove it with `shmpipe rm --force %s` and make it anew"
	adviseTake  = "nothing is stuck: start another with `shmpipe %v %s`"
)

// badHeader is the problem of a header that cannot be used.
func badHeader(err error) Problem {
	p := Problem{Ring: Segmentwide, Text: err.Error(), Advice: "remove it with `shmpipe rm --force` and make it anew"}
	var c *protocol.CorruptError
	if errors.As(err, &c) {
		p.Offset = c.Offset
	}
	if errors.Is(err, protocol.ErrVersion) {
		p.Advice = "use the release that made it"
	}
	return p
}
