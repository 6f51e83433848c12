package mqueue

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"shmpipe/protocol"
)

// Info describes the queue as it is now. It returns protocol.ErrClosed after Close.
func (q *Queue) Info() (Info, error) {
	if err := q.acquire(); err != nil {
		return Info{}, err
	}
	defer q.release()
	h := q.state.head
	v := Info{
		Name: h.name, Kind: h.kind, Path: q.path(), UUID: h.uuid, Mode: h.mode, Capacity: h.capacity, MaxMessage: h.maxMessage,
		MessageSize: h.messageSize, Messages: h.messages, Participants: h.participants, Created: h.created, Transient: h.transient,
		Fragmented: h.fragmented(), Why: h.why,
	}
	all, err := q.state.table()
	if err != nil {
		return Info{}, err
	}
	for i, e := range all {
		if err := q.state.settle(i, &e); err != nil {
			return Info{}, err
		}
		v.Who = append(v.Who, q.describe(i, e))
	}
	return v, nil
}

func (q *Queue) path() string {
	h := q.state.head
	if h.kind == POSIX {
		return "mq:/" + h.queueName()
	}
	return fmt.Sprintf("sysv-mq:%#x", uint32(h.key))
}

func (q *Queue) describe(i int, e entry) Participant {
	p := Participant{
		Index: i, Role: e.role, PID: int(e.pid), PIDNamespace: e.pidSpace, StartTime: e.start, Attached: time.Unix(0, e.attached), Takes: e.takes,
		Command: strings.ToValidUTF8(string(bytes.TrimRight(e.command[:], "\x00")), "?"), Counters: e.sent,
	}
	if e.role == protocol.RoleConsumer {
		p.Counters = e.received
	}
	if e.takes == 0 {
		p.Role = protocol.RoleProducer
		if i == spscConsumer {
			p.Role = protocol.RoleConsumer
		}
	}
	switch {
	case e.state == protocol.EntryActive:
		p.State = "alive"
	case e.state == protocol.EntryDied:
		p.State = "died"
	case e.state == protocol.EntryClosed:
		p.State = "closed"
	default:
		p.State = "never"
	}
	return p
}

// Entries of a queue with one of each.
const (
	spscProducer = 0
	spscConsumer = 1
)
