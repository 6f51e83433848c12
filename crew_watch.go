package shmpipe

import (
	"errors"
	"syscall"
	"time"

	"shmpipe/futex"
	"shmpipe/internal/procwatch"
	"shmpipe/protocol"
)

// join and part say which endpoints of this process take part. After the last has left, nothing of the crew touches the memory, but for
// what is under way, which keeps it mapped.
func (c *crew) join(e *endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.here[e.entry] = e
}

func (c *crew) part(e *endpoint) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.here, e.entry)
	if len(c.here) > 0 {
		return
	}
	for entry, v := range c.watched {
		v.process.Stop()
		delete(c.watched, entry)
	}
	c.seen = 0
}

// watch makes sure that this process learns of everybody's death. It is called by an endpoint that is about to sleep, between saying so
// and sleeping: who comes later wakes it, and it gets here again. It reports whether the kernel tells of all of them; if not,
// somebody must look at leases from time to time.
func (c *crew) watch() bool {
	now := c.members.Load()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == now {
		return !c.blind
	}
	c.seen, c.blind = now, false
	first, end := c.entries()
	for entry := first; entry < end; entry++ {
		status := c.status(entry)
		old, was := c.watched[entry]
		if was && old.status == uint64(status) {
			c.blind = c.blind || old.process == nil
			continue
		}
		if was {
			old.process.Stop()
			delete(c.watched, entry)
		}
		if status.State() != protocol.EntryActive || c.here[entry] != nil {
			continue
		}
		v := vigil{status: uint64(status)}
		gone := false
		if pid, here := c.pipe.pidOf(entry); here {
			w, err := procwatch.Start(pid, func() { c.told(entry, uint64(status)) })
			if err == nil {
				v.process = w
			}
			gone = errors.Is(err, syscall.ESRCH)
		}
		c.watched[entry] = v
		c.blind = c.blind || v.process == nil
		// It may have died before; then its pid may be another's by now, or somebody may be burying it.
		if held, err := c.pipe.seg.Held(entry); gone || err == nil && !held {
			go c.told(entry, uint64(status))
		}
	}
	return !c.blind
}

// told is called, on a goroutine of its own, when the process behind an entry has ended. It comes back until the entry is dealt with:
// another process may have begun to bury it, and died over that, of which nobody tells if it took no part in the ring.
func (c *crew) told(entry uint32, status uint64) {
	for pause := time.Millisecond; c.attend(entry, status, pause == time.Millisecond); pause = min(2*pause, longestPause) {
		time.Sleep(pause)
	}
}

// longestPause is between two looks at an entry that somebody else is burying, or holds while he is stopped.
const longestPause = 20 * time.Millisecond

// attend buries the dead, and reports whether the entry needs another look.
func (c *crew) attend(entry uint32, status uint64, first bool) bool {
	if !c.pipe.keep() {
		return false
	}
	c.buryDead()
	again := uint64(c.status(entry)) == status
	if first || !again {
		// It may have died on its way out, after it had closed its entry and before it told anybody; or who has dealt with it did.
		c.announce()
	}
	again = again && c.anybodyHere()
	_ = c.pipe.release() // unmapping, if all the others have gone meanwhile; there is nobody to tell
	return again
}

func (c *crew) anybodyHere() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.here) > 0
}

// behind is how long to sleep at most behind a participant that is in the way, if there is one: if it is dead, this is when to find out,
// and if it dies now, soon again. Being told of it can take 20 milliseconds in a process all of whose processors are asleep in the kernel:
// the Go runtime takes them back, and looks at its poller, every ten.
func (e *endpoint) behind(slot uint8, blocked bool) time.Duration {
	if !blocked {
		e.blockedSince = 0
		return longest
	}
	entry := e.crew.geo.FirstParticipant + uint32(slot)
	if held, err := e.pipe.seg.Held(entry); err == nil && !held {
		e.crew.bury(entry)
	}
	return min(e.patience(entry), watchInterval)
}

// patience is as long as an entry's holder has been in the way already: so the looks come after 1 ms, 2, 4 and so on, however often
// something else ends the sleep.
func (e *endpoint) patience(entry uint32) time.Duration {
	now := futex.Now()
	if e.blockedSince == 0 || e.blockedBy != entry {
		e.blockedBy, e.blockedSince = entry, now
	}
	return max(time.Duration(now-e.blockedSince), firstPatience)
}

// firstPatience is the first sleep behind somebody; it doubles up to watchInterval.
const firstPatience = time.Millisecond
