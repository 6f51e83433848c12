package shmpipe

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"shmpipe/internal/whoami"
	"shmpipe/mqueue"
	"shmpipe/protocol"
)

// errQueueCannot marks what is refused only because a queue cannot do it.
var errQueueCannot = errors.New("a message queue cannot")

func createQueue(name string, geo Geometry, o Options) (*Pipe, error) {
	if geo.Mode == 0 {
		geo.Mode = SPSC
	}
	if geo.Rings > 1 {
		return nil, fmt.Errorf("create %s: %d rings asked for: %w hold more than one; make several: %w", name, geo.Rings, errQueueCannot, fs.ErrInvalid)
	}
	if geo.Capacity < 0 || geo.MaxMessage < 0 || geo.Rings < 0 || geo.Participants < 0 || geo.Participants > protocol.MaxMPMCParticipants {
		return nil, fmt.Errorf("create %s: geometry %+v: want 0 or more bytes, and 2 to %d participants: %w", name, geo, protocol.MaxMPMCParticipants, fs.ErrInvalid)
	}
	q, err := mqueue.Create(o.Backend.queue(), name, mqueue.Geometry{
		Mode: geo.Mode, Capacity: geo.Capacity, MaxMessage: geo.MaxMessage, Participants: geo.Participants, Transient: o.Transient,
	}, o.queue())
	if err != nil {
		return nil, err
	}
	return newQueuePipe(q, o)
}

func openQueue(name string, o Options) (*Pipe, error) {
	q, err := mqueue.Open(o.Backend.queue(), name, o.queue())
	if err != nil {
		return nil, err
	}
	return newQueuePipe(q, o)
}

func newQueuePipe(q *mqueue.Queue, o Options) (*Pipe, error) {
	info, err := q.Info()
	if err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return &Pipe{queue: q, queueMode: info.Mode, opts: o, refs: 1, explain: askedFor(o.Backend)}, nil
}

func (o Options) queue() mqueue.Options {
	return mqueue.Options{Dir: o.Dir, Perm: o.Perm, AllowOtherOwner: o.AllowOtherOwner, ReadOnly: o.ReadOnly}
}

// queueInfo is Info of a queue. The caller has acquired the pipe.
func (p *Pipe) queueInfo() (Info, error) {
	q, err := p.queue.Info()
	if err != nil {
		return Info{}, err
	}
	why := p.explain
	if q.Why != "" {
		why += "; " + q.Why
	}
	const none = "no: a message queue is not mapped"
	v := Info{
		Name: q.Name, Backend: p.opts.Backend, Path: q.Path, UUID: hex.EncodeToString(q.UUID[:]), Mode: q.Mode,
		Capacity: q.Capacity, MaxMessage: q.MaxMessage, Rings: 1, Created: q.Created, Transient: q.Transient,
		OnConsumerDeath: Drop, Places: q.Participants, Explain: why, Fragmented: q.Fragmented,
	}
	for _, to := range []struct {
		asked bool
		said  *string
	}{{p.opts.HugePages, &v.Obtained.HugePages}, {p.opts.Lock, &v.Obtained.Locked}, {p.opts.Prefault, &v.Obtained.Prefaulted}} {
		if to.asked {
			*to.said = none
		}
	}
	for _, w := range q.Who {
		if q.Mode == MPMC && w.State == "never" {
			continue
		}
		v.Participants = append(v.Participants, queueParticipant(w))
	}
	return v, nil
}

func queueParticipant(w mqueue.Participant) Participant {
	v := Participant{Role: w.Role.String(), State: w.State, PID: w.PID, Command: printable([]byte(w.Command)), Attached: w.Attached, Epoch: w.Takes}
	if w.State == "alive" && w.PID > 0 && w.PIDNamespace != 0 && w.PIDNamespace == whoami.PIDNamespace() {
		v.Stopped = whoami.Stopped(w.PID)
	}
	return v
}

// queueStats are those of a queue: of the counters, what participants have written down lately.
func (p *Pipe) queueStats() (Stats, error) {
	info, err := p.queue.Info()
	if err != nil {
		return Stats{}, err
	}
	sent, received, err := p.queue.Totals()
	if err != nil {
		return Stats{}, err
	}
	_, bytes, err := p.queue.Depth()
	if err != nil {
		return Stats{}, err
	}
	return Stats{
		Sent: sent.Messages, SentBytes: sent.Bytes, Received: received.Messages, ReceivedBytes: received.Bytes,
		Backlog: uint64(bytes), Capacity: uint64(info.Capacity), Abandoned: received.Dropped,
		ProducerWaits: sent.Waits, ProducerParks: sent.Parks, ConsumerWaits: received.Waits, ConsumerParks: received.Parks,
	}, nil
}

// oneRing is the error for another ring than the first.
func (p *Pipe) oneRing(i int) error {
	if i == 0 {
		return nil
	}
	return fmt.Errorf("%s: ring %d asked for, a message queue has 1: %w", p.where(), i, fs.ErrInvalid)
}

func (p *Pipe) queueEnd() mqueue.EndOptions {
	o := mqueue.EndOptions{Follow: p.opts.Follow, Producers: p.opts.Producers}
	if newWaiter(p.opts).spins {
		o.Spin = p.opts.Spin
	}
	return o
}
