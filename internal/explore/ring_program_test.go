//go:build seam

package explore

import (
	"fmt"

	"shmpipe/internal/seam"
	"shmpipe/protocol"
	"shmpipe/ring"
)

// app is what a program of a ring has.
type app struct {
	*process
	c    *config
	part part
	ring ring.MPMCMemory
	l    leases
	slot uint8
}

// Phases of programs, for labels.
const (
	attaching = iota + 1
	producing
	committing
	receiving
	reading
	releasing
	leaving
	rescuing
	mending
	mended
	detaching
	waiting
	draining
)

// looked is part of a label: it came from a look, not from a send or receive.
const looked = 1 << 3

// at begins a phase. The numbers are all that the program carries.
func (a *app) at(phase, x, y int) {
	a.begin(uint32(phase) | uint32(x)<<8 | uint32(y)<<16 | uint32(a.slot)<<24)
}

func (c *config) program(id int, pt part) program {
	name := fmt.Sprintf("producer %d", id)
	if pt.consumes {
		name = fmt.Sprintf("consumer %d", id)
	}
	return program{name, func(p *process) {
		r := p.mem.of.(*crowd)
		a := &app{process: p, c: c, part: pt, ring: r.ring, l: r.leases, slot: uint8(id)}
		p.app = a
		if pt.newcomer {
			a.enter()
		}
		if pt.consumes {
			a.consume()
		} else {
			a.produce()
		}
	}}
}

// produce sends what is to be sent, and then is done.
func (a *app) produce() {
	a.at(attaching, 0, 0)
	p, err := ring.NewMPMCProducer(a.ring, a.slot)
	if err != nil {
		a.fail("attach: %v", err)
	}
	a.track(p)
	id := a.c.firstMessage(a.id)
	for i, s := range a.part.sends {
		for sent := 0; sent < len(s.lengths); {
			a.at(producing, i, sent)
			if a.part.looks {
				if o := p.AwaitRoom(uint64(s.lengths[sent]), 1); o == ring.Full && a.part.rescues {
					a.rescue(i, sent|looked)
					continue
				}
				a.at(producing, i, sent)
			}
			n, o := a.send(p, s, id+sent, sent, i)
			switch {
			case o == ring.Done:
				sent += n
			case o != ring.Full:
				a.fail("send: %v, %v", o, p.Err())
			case a.part.rescues:
				a.rescue(i, sent)
			}
		}
		if s.how != abandon {
			id += len(s.lengths)
		}
	}
	if a.part.drains {
		a.drain(p)
	}
	if a.part.detaches {
		a.detach()
	}
}

// drain waits until everything is finished that was there when it began.
func (a *app) drain(p *ring.MPMCProducer) {
	a.at(draining, 0, 0)
	a.tell(drainBegun, 0, 0)
	p.BeginDrain()
	for {
		a.at(draining, 1, 0)
		switch o := p.AwaitDrained(1); o {
		case ring.Done:
			a.tell(drained, 0, 0)
			return
		case ring.Full:
			a.rescue(len(a.part.sends), 0)
		default:
			a.fail("drain: %v, %v", o, p.Err())
		}
	}
}

// send does one thing that a producer does, and says how many messages that were.
func (a *app) send(p *ring.MPMCProducer, s sending, id, sent, i int) (int, ring.Outcome) {
	switch s.how {
	case send:
		return 1, p.Send(message(id, s.lengths[0]), uint16(id))
	case batch:
		var msgs [][]byte
		for j, n := range s.lengths[sent:] {
			msgs = append(msgs, message(id+j, n))
		}
		return p.SendBatch(msgs, batchType)
	}
	n := s.lengths[0]
	b, o := p.Claim(uint64(n))
	if o != ring.Done {
		return 0, o
	}
	a.at(committing, i, 0)
	content := message(id, n)
	a.inGranules(seam.ClaimPayload, b, func(part []byte, from int) { copy(part, content[from:]) })
	if s.how == abandon {
		return 1, p.Abort()
	}
	return 1, p.Commit(uint64(n), uint16(id))
}

// inGranules stops before each part of a payload that is in another granule.
func (a *app) inGranules(s seam.Site, payload []byte, do func(part []byte, from int)) {
	for from := 0; from < len(payload); {
		rest := payload[from:]
		n := min(len(rest), granule-a.offset(rest)%granule)
		a.mark(s, rest)
		do(rest[:n], from)
		from += n
	}
}

// consume receives for ever, unless it is to leave.
func (a *app) consume() {
	a.at(attaching, 0, 0)
	c, err := ring.NewMPMCConsumer(a.ring, a.slot, func() {})
	if err != nil {
		a.fail("attach: %v", err)
	}
	a.track(c)
	for got := 0; ; {
		a.at(receiving, got, 0)
		if a.part.looks && !a.look(c) {
			a.rescue(got, looked)
			continue
		}
		payload, typ, o := c.Next()
		switch o {
		case ring.Done:
		case ring.Empty:
			if a.part.rescues {
				a.rescue(got, 0)
			}
			continue
		default:
			a.fail("next: %v, %v", o, c.Err())
		}
		if a.part.leaves > 0 {
			got++
		}
		id := a.read(c, payload, typ, got)
		if got > 0 && got == a.part.leaves {
			a.at(leaving, 0, 0)
			c.Leave()
			a.detach()
			return
		}
		a.tell(finished, uint8(id), 0)
		if a.part.releases {
			a.at(releasing, got, 0)
			c.Release()
		}
	}
}

// look looks whether there is something to receive.
func (a *app) look(c *ring.MPMCConsumer) bool {
	return c.Look(1, true) != ring.Empty
}

// read reads what was delivered, granule by granule. It is not finished before it is read.
func (a *app) read(c *ring.MPMCConsumer, payload []byte, typ uint16, got int) (id int) {
	id, ok := a.c.identify(protocol.FrameHeader(uint32(len(payload)), typ, 0), payload)
	if !ok {
		a.tell(torn, 0, 0)
		a.fail("torn message")
	}
	again := uint8(0)
	if c.Redelivered() {
		again = 1
	}
	a.tell(delivered, uint8(id), again)
	a.at(reading, got, id)
	a.inGranules(seam.TakePayload, payload, func(part []byte, from int) {
		for i, b := range part {
			if b != pattern(id, from+i) {
				a.fail("torn message")
			}
		}
	})
	return id
}

// rescue looks for somebody who died, once, and mends what that one left.
func (a *app) rescue(x, y int) {
	a.at(rescuing, x, y)
	a.mark(askLease, a.l)
	if dead, ok := a.l.dead(); ok {
		a.mend(dead, x, y)
		a.mark(dropLease, a.l)
		a.l.unlock(dead)
	}
}

// mend is rescue from where the dead one's lock was found free.
func (a *app) mend(dead uint8, x, y int) {
	a.l.lock(dead, a.id)
	a.at(mending, x, y<<4|int(dead))
	if _, err := ring.RecoverMPMC(a.ring, dead); err != nil {
		a.fail("recover: %v", err)
	}
	a.at(mended, x, y<<4|int(dead))
	a.mark(setStatus, a.l)
	a.l.setStatus(dead, died)
}

// detach gives the slot back.
func (a *app) detach() {
	a.at(detaching, 0, 0)
	a.mark(setStatus, a.l)
	a.l.setStatus(a.slot, closed)
	a.mark(dropLease, a.l)
	a.l.unlock(a.slot)
}

// enter takes the slot of one that died or left, as soon as that is so.
func (a *app) enter() {
	a.slot = uint8(a.part.slot)
	for {
		a.at(waiting, 0, 0)
		a.mark(askLease, a.l)
		if _, held := a.l.holder(a.slot); !held {
			break
		}
	}
	if a.l.status(a.slot) == active {
		a.mend(a.slot, 0, 0)
	}
	a.l.lock(a.slot, a.id)
	a.at(attaching, 1, 0)
	a.mark(setStatus, a.l)
	a.l.setStatus(a.slot, active)
}
