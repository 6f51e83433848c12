package shmpipe

import (
	"sync"
	"sync/atomic"
	"time"

	"shmpipe/futex"
	"shmpipe/internal/procwatch"
	"shmpipe/internal/seam"
	"shmpipe/protocol"
	"shmpipe/ring"
)

// crew is what a Pipe knows of all who take part in one of its MPMC rings. Whoever is blocked, attaches, or is told of a death buries
// the dead: takes the lease of each, which proves that it is gone, mends what it left in the ring, and wakes everybody.
type crew struct {
	pipe    *Pipe
	index   int // of the ring
	geo     protocol.Ring
	mem     ring.MPMCMemory
	members *atomic.Uint64 // grows when somebody came, left or was found dead
	data    futex.Gate     // where consumers sleep
	space   futex.Gate     // where producers sleep

	mu      sync.Mutex
	here    map[uint32]*endpoint // this Pipe's own
	watched map[uint32]vigil
	seen    uint64 // members, as of the last look at who is to be watched; none if 0
	blind   bool   // the kernel does not tell of somebody's death
}

// vigil is a watch on the process behind an entry.
type vigil struct {
	status  uint64 // of the entry: another one is another participant
	process *procwatch.Watch
}

// crewOf is the crew of ring i. The Pipe is mapped.
func (p *Pipe) crewOf(i int) *crew {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.crews[i]; c != nil {
		return c
	}
	geo, mem := p.header.Rings[i], p.seg.Bytes()
	control := mem[geo.Control : geo.Control+geo.ControlSize]
	c := &crew{
		pipe:  p,
		index: i,
		geo:   geo,
		mem: ring.MPMCMemory{
			Control:      control,
			Data:         mem[geo.Data : geo.Data+geo.Capacity],
			MaxMessage:   geo.MaxMessage,
			Granule:      uint64(geo.Granule),
			WordShift:    geo.WordShift,
			Participants: geo.Participants,
			Drop:         geo.Flags&protocol.RingFlagDrop != 0,
		},
		members: atomicWord(control, protocol.OffMPMCMembers),
		data:    gate(control, protocol.OffDataGate),
		space:   gate(control, protocol.OffSpaceGate),
		here:    make(map[uint32]*endpoint),
		watched: make(map[uint32]vigil),
	}
	if p.crews == nil {
		p.crews = make(map[int]*crew)
	}
	p.crews[i] = c
	return c
}

func (c *crew) status(entry uint32) protocol.Status {
	return protocol.Status(statusWord(c.pipe, entry).Load())
}

// entries are the indexes of the ring's entries in the participant table, from first to before end.
func (c *crew) entries() (first, end uint32) {
	return c.geo.FirstParticipant, c.geo.FirstParticipant + c.geo.Participants
}

// announce tells everybody that the table has changed.
func (c *crew) announce() {
	if seam.On {
		mark(seam.Members, c.members)
	}
	c.members.Add(1)
	c.data.Broadcast()
	c.space.Broadcast()
}

// buryDead looks at the leases of all who seem to be there, and buries those who are not. It makes a system call for each of them.
// It returns what they had left behind.
func (c *crew) buryDead() (u Unblocked) {
	first, end := c.entries()
	for entry := first; entry < end; entry++ {
		if c.status(entry).State() != protocol.EntryActive || c.isHere(entry) {
			continue
		}
		if held, err := c.pipe.seg.Held(entry); held || err != nil {
			continue // death must be proved
		}
		if r, buried := c.bury(entry); buried {
			u.Reaped++
			u.Abandoned += r.Abandoned
			u.Recovered += r.Orphaned
		}
	}
	return u
}

func (c *crew) isHere(entry uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.here[entry] != nil
}

// bury deals with one who is dead, unless somebody else does just now, or it is alive after all. If this process dies on the way, the
// lease falls free, the entry is as it was, and the next one does it again.
func (c *crew) bury(entry uint32) (r ring.Recovered, buried bool) {
	lease, err := c.pipe.seg.Prove(entry)
	if lease == nil || err != nil {
		return r, false
	}
	defer func() { _ = lease.Release() }() // closing a descriptor; there is nobody to tell
	status := c.status(entry)
	if status.State() != protocol.EntryActive {
		return r, false
	}
	if r, err = c.mend(entry); err != nil {
		return r, false // poisoned: nothing is to be mended
	}
	word := statusWord(c.pipe, entry)
	if seam.On {
		mark(seam.RecoverStatus, word)
	}
	word.Store(uint64(protocol.NewMPMCStatus(status.Takes(), status.Producers(), protocol.EntryDied)))
	c.announce()
	if seam.On {
		mark(seam.RecoverDone, word)
	}
	return r, true
}

// mend mends what the dead holder of an entry left in the ring. The caller holds the lease.
func (c *crew) mend(entry uint32) (ring.Recovered, error) {
	start := time.Now()
	r, err := ring.RecoverMPMC(c.mem, uint8(entry-c.geo.FirstParticipant))
	if err != nil {
		return r, err
	}
	took := uint64(time.Since(start))
	counter := func(index uint64) *atomic.Uint64 {
		return atomicWord(c.mem.Control, protocol.OffMPMCRecovery+8*index)
	}
	counter(protocol.RecoveryReaped).Add(1)
	counter(protocol.RecoveryAbandoned).Add(uint64(r.Abandoned))
	counter(protocol.RecoveryOrphaned).Add(uint64(r.Orphaned))
	counter(protocol.RecoveryNanos).Add(took)
	longest := counter(protocol.RecoveryLongest)
	for was := longest.Load(); took > was && !longest.CompareAndSwap(was, took); was = longest.Load() {
	}
	return r, nil
}
