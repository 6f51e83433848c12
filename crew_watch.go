package shmpipe

import (
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
		if pid, here := c.pipe.pidOf(entry); here {
			if w, err := procwatch.Start(pid, c.told); err == nil {
				v.process = w
			}
		}
		c.watched[entry] = v
		if v.process == nil {
			c.blind = true
		}
		// It may have died before, and its pid may be another's by now.
		if held, err := c.pipe.seg.Held(entry); err == nil && !held {
			go c.told()
		}
	}
	return !c.blind
}

// told is called, on a goroutine of its own, when somebody may have died.
func (c *crew) told() {
	if c.pipe.keep() {
		c.buryDead()
		c.announce()         // it may have died on its way out, after it had closed its entry and before it told anybody
		_ = c.pipe.release() // unmapping, if all the others have gone meanwhile; there is nobody to tell
	}
}

// someoneDied looks whether anybody died, and buries the dead.
func (c *crew) someoneDied() bool { return c.buryDead() > 0 }
