package shmpipe

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"shmpipe/futex"
	"shmpipe/internal/fence"
	"shmpipe/internal/procwatch"
	"shmpipe/internal/seam"
	"shmpipe/protocol"
	"shmpipe/ring"
	"shmpipe/segment"
)

// endpoint is what a Producer and a Consumer have in common: a role in a ring, the lease that proves it, and the way to wait.
type endpoint struct {
	guard

	pipe      *Pipe
	interrupt func() // ends a wait for a message queue; nil in shared memory
	crew      *crew  // MPMC; nil in SPSC
	lease     *segment.Lease
	entry     uint32         // our entry in the participant table
	own       *atomic.Uint64 // its status

	peerEntry uint32
	peer      *atomic.Uint64 // the other side's status
	gone      uint64         // that status if, when we came, the other side had left or died; 0 otherwise

	sleepOn  futex.Gate // where we sleep
	wakeUp   futex.Gate // where the other side sleeps
	cancel   futex.Cancel
	asleep   atomic.Bool // for the watcher
	poll     atomic.Bool // the watcher should look whether the peer lives: nothing else tells
	suspect  atomic.Bool // something hints that the peer has died
	watched  uint64      // epoch of the peer that is watched
	process  *procwatch.Watch
	waiter   waiter
	follow   bool
	polls    uint32 // Try calls that found nothing, since the other side's lease was looked at
	lastLook int64  // when that was, monotonic nanoseconds

	// MPMC only.
	before view // who had been there when we came
	// deadBefore are the entries of consumers who were dead by then. Their numbers would not do: a successor may die in the same entry.
	deadBefore map[uint32]protocol.Status
	now        view // who was there when we last looked

	blockedBy    uint32 // entry of who is in the way
	blockedSince int64  // monotonic nanoseconds; 0: nobody is
}

// attach takes a role of ring i: the lease first, then connect, which builds the ring's end, then the status that says so.
// If the process dies in between, the lease goes with it and nothing else has changed.
func (p *Pipe) attach(i int, role protocol.Role, e *endpoint, connect func(ring.Memory) error) (err error) {
	fence.Prepare()
	geo, err := p.ring(i)
	if err != nil {
		return err
	}
	if err := p.acquire(); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = p.undoAttach(e, err)
		}
	}()
	e.pipe, e.follow = p, p.opts.Follow
	e.waiter = newWaiter(p.opts)
	e.entry, e.peerEntry = geo.FirstParticipant+protocol.SPSCProducer, geo.FirstParticipant+protocol.SPSCConsumer
	if role == protocol.RoleConsumer {
		e.entry, e.peerEntry = e.peerEntry, e.entry
	}
	if e.lease, err = p.seg.Lease(e.entry); err != nil {
		return fmt.Errorf("%v role of ring %d: %w", role, i, err)
	}
	mem := p.seg.Bytes()
	if err := connect(ring.Memory{
		Control:    mem[geo.Control : geo.Control+geo.ControlSize],
		Data:       mem[geo.Data : geo.Data+geo.Capacity],
		MaxMessage: geo.MaxMessage,
		Drop:       geo.Flags&protocol.RingFlagDrop != 0,
	}); err != nil {
		return fmt.Errorf("%s: ring %d: %w; remove the segment and make it anew", p.seg.Path(), i, err)
	}
	e.own, e.peer = statusWord(p, e.entry), statusWord(p, e.peerEntry)
	e.guard.detach = e.detach
	if status := e.peer.Load(); protocol.Status(status).State() == protocol.EntryClosed || e.peerDead() {
		e.gone = status
	}
	signEntry(p, e.entry, role)
	epoch := protocol.Status(e.own.Load()).Epoch() + 1
	if seam.On {
		mark(seam.AttachStatus, e.own)
	}
	e.own.Store(uint64(protocol.NewStatus(epoch, protocol.EntryActive)))
	watcher.add(e)
	e.wakeUp.Broadcast() // who sleeps has somebody to watch now
	return nil
}

// undoAttach gives back what a failed attach had obtained.
func (p *Pipe) undoAttach(e *endpoint, err error) error {
	if e.lease != nil {
		err = errors.Join(err, e.lease.Release())
	}
	return errors.Join(err, p.release())
}

// detach gives the role back. It runs once, when nothing of the endpoint is in use any more: the status first, so that the other
// side knows the end for an orderly one, then the lease, so that a successor can come.
func (e *endpoint) detach() error {
	watcher.remove(e)
	e.process.Stop()
	epoch := protocol.Status(e.own.Load()).Epoch()
	if seam.On {
		mark(seam.DetachStatus, e.own)
	}
	e.own.Store(uint64(protocol.NewStatus(epoch, protocol.EntryClosed)))
	// The other side may look at the lease, find it free, and then look at the status: it must find this store. The broadcast, an
	// atomic read-modify-write, keeps it before the release.
	e.wakeUp.Broadcast()
	return e.giveUpLease()
}

// giveUpLease gives the lease back, and the segment if it is transient and we are the last.
func (e *endpoint) giveUpLease() error {
	if seam.On {
		mark(seam.DetachLease, e.own)
	}
	err := e.lease.Release()
	if e.pipe.header.Flags&protocol.FlagTransient != 0 && e.pipe.drained() {
		// Whoever is attached still, or attaches first, removes it in our place.
		if rerr := e.pipe.seg.RemoveIfIdle(); rerr != nil && !errors.Is(rerr, ErrBusy) && !errors.Is(rerr, ErrRemoved) {
			err = errors.Join(err, rerr)
		}
	}
	return errors.Join(err, e.pipe.release())
}

// Close gives the role back and tells the other side: a consumer sees the end of stream behind the last message, a producer
// ErrPeerClosed. It may be called at any time and from any goroutine; a method that waits then returns ErrClosed. While a claim
// or a message is held, the role is given back when that ends. Closing again does nothing.
func (e *endpoint) Close() error {
	if e.interrupt != nil {
		return e.guard.close(e.interrupt)
	}
	return e.guard.close(e.cancel.Set)
}

// peerDead reports whether the other side's entry is active but nobody holds its lease: it died. It makes a system call. In an MPMC
// ring, it reports whether anybody was found dead.
func (e *endpoint) peerDead() bool {
	if e.crew != nil {
		return e.crew.buryDead().Reaped > 0
	}
	if protocol.Status(e.peer.Load()).State() != protocol.EntryActive {
		return false
	}
	held, err := e.pipe.seg.Held(e.peerEntry)
	if err != nil || held {
		return false // death must be proved
	}
	// The lease may have been free because the other side was just closing or a successor was just coming: a death leaves the
	// status as it was.
	return protocol.Status(e.peer.Load()).State() == protocol.EntryActive && !e.heldNow()
}

func (e *endpoint) heldNow() bool {
	held, err := e.pipe.seg.Held(e.peerEntry)
	return err != nil || held
}

// pollDead is peerDead for methods that do not wait: it looks only now and then, so that polling makes no system call each time.
func (e *endpoint) pollDead() bool {
	const every, interval = 64, int64(5 * time.Millisecond)
	if e.polls++; e.polls%every != 0 {
		return false
	}
	now := futex.Now()
	if now-e.lastLook < interval {
		return false
	}
	e.lastLook = now
	return e.peerDead()
}
