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

	// Holder is the participant that keeps others waiting, as far as can be told alive; nil if the problem is not of that kind. A
	// caller in the same pid namespace can look up whether it is stopped, and say so.
	Holder *Holder
}

// Holder is what a participant's entry says of it. Who wrote the entry may have written anything.
type Holder struct {
	Entry        uint32 // index in the participant table
	Role         protocol.Role
	PID          uint32 // in the namespace below
	PIDNamespace uint64 // inode
	StartTime    uint64 // clock ticks since boot
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

	adviseUnblock = "mend it with `shmpipe unblock %s`; whoever attaches, or waits, does the same"
	adviseOrphan  = "nothing is stuck: start a consumer with `shmpipe consumer %s`, it gets what waits first"
	adviseHolder  = "nobody may touch what a live participant holds: let it go on, or end it and run `shmpipe unblock %s`"
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
