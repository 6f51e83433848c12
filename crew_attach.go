package shmpipe

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"shmpipe/internal/fence"
	"shmpipe/internal/seam"
	"shmpipe/protocol"
	"shmpipe/ring"
	"shmpipe/segment"
)

// attachCrew takes part in MPMC ring i: it buries the dead, takes the lease of a free entry, has connect build the ring's end,
// and signs. If the process dies on the way, the lease goes with it, and the entry is as it was.
func (p *Pipe) attachCrew(i int, role protocol.Role, e *endpoint, connect func(m ring.MPMCMemory, slot uint8) error) (err error) {
	fence.Prepare()
	if err := p.acquire(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = p.undoAttach(e, err)
		}
	}()
	c := p.crewOf(i)
	e.pipe, e.crew, e.follow, e.waiter = p, c, p.opts.Follow, newWaiter(p.opts)
	e.peer = new(atomic.Uint64) // no single one: nobody has ever been there
	if !p.opts.ReadOnly {
		c.buryDead()
	}
	before, dead := *c.look(&view{}), c.deadConsumers()
	if e.lease, e.entry, err = c.takeEntry(role); err != nil {
		return fmt.Errorf("%v role of ring %d: %w", role, i, err)
	}
	status := c.status(e.entry)
	if status.State() == protocol.EntryActive { // it died after we looked
		_, err = c.mend(e.entry)
	}
	if err == nil {
		err = connect(c.mem, uint8(e.entry-c.geo.FirstParticipant))
	}
	if err != nil {
		return fmt.Errorf("%s: ring %d: %w; remove the segment and make it anew", p.seg.Path(), i, err)
	}
	e.before, e.deadBefore = before, dead
	e.own = statusWord(p, e.entry)
	e.guard.detach = e.detachCrew
	c.displace(e.entry, role)
	signEntry(p, e.entry, role)
	producers := status.Producers()
	if role == protocol.RoleProducer {
		producers++
	}
	c.join(e)
	if seam.On {
		mark(seam.AttachStatus, e.own)
	}
	e.own.Store(uint64(protocol.NewMPMCStatus(status.Takes()+1, producers, protocol.EntryActive)))
	watcher.add(e)
	c.announce() // who sleeps has one more to watch
	return nil
}

// takeEntry takes the lease of a free entry. A producer prefers that of one who died: it is the successor.
func (c *crew) takeEntry(role protocol.Role) (*segment.Lease, uint32, error) {
	for tries := 0; ; tries++ {
		lease, entry, err := c.tryEntries(role)
		if lease != nil || err != nil {
			return lease, entry, err
		}
		// An entry may look taken while somebody buries its holder.
		now := c.look(&view{})
		if tries >= 10 || uint32(now.producers.there+now.consumers.there) == c.geo.Participants {
			return nil, 0, fmt.Errorf("%w: all %d places of %s are taken; wait until somebody leaves, or make the segment with more", ErrTooManyParticipants, c.geo.Participants, c.pipe.seg.Path())
		}
		time.Sleep(time.Millisecond)
		c.buryDead()
	}
}

// tryEntries looks at all entries, and takes the first that is free; nil if there is none.
func (c *crew) tryEntries(role protocol.Role) (*segment.Lease, uint32, error) {
	type place struct {
		entry uint32
		rank  int
	}
	var free []place
	first, end := c.entries()
	for entry := first; entry < end; entry++ {
		status, was := c.participant(entry)
		rank := 1
		// Where the lease is free, one who is active has died, too: nobody has buried it yet.
		if s := status.State(); s == protocol.EntryDied || s == protocol.EntryActive {
			if rank = 2; was == role {
				rank = 0
			}
		}
		free = append(free, place{entry, rank})
	}
	slices.SortStableFunc(free, func(a, b place) int { return a.rank - b.rank })
	for _, f := range free {
		if held, err := c.pipe.seg.Held(f.entry); held || err != nil {
			continue
		}
		lease, err := c.pipe.seg.Lease(f.entry)
		if errors.Is(err, ErrBusy) {
			continue // somebody was faster
		}
		return lease, f.entry, err
	}
	return nil, 0, nil
}

// detachCrew leaves the ring. It runs once, when nothing of the endpoint is in use any more.
func (e *endpoint) detachCrew() error {
	watcher.remove(e)
	status := protocol.Status(e.own.Load())
	// The status first, so that others know the end for an orderly one, then the lease.
	if seam.On {
		mark(seam.DetachStatus, e.own)
	}
	e.own.Store(uint64(protocol.NewMPMCStatus(status.Takes(), status.Producers(), protocol.EntryClosed)))
	e.crew.announce()
	e.crew.part(e)
	return e.giveUpLease()
}
