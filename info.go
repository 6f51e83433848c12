package shmpipe

import (
	"encoding/hex"
	"fmt"
	"time"

	"shmpipe/protocol"
	"shmpipe/segment"
)

// Obtained says, for each best-effort option, what became of it: "" if it was not asked for, "yes", or "no: " and the reason.
type Obtained = segment.Obtained

// Info describes a segment.
type Info struct {
	Name        string
	Backend     Backend
	Path        string // where it is: /dev/shm/shmpipe.orders, sysv:0x…, memfd:orders
	UUID        string
	Version     string // of the protocol, major.minor
	Mode        Mode
	Capacity    int // bytes of data of each ring
	MaxMessage  int // bytes
	Rings       int
	SegmentSize int64 // bytes
	Created     time.Time
	Transient   bool

	OnConsumerDeath DeathPolicy // of the first ring, as Mode, Capacity and MaxMessage are
	Places          int         // how many may take part in it at once
	Granule         int         // bytes; MPMC only

	Obtained     Obtained
	Participants []Participant // of an MPMC ring, those who have been there
	Blocking     []Blocking    // who everybody waits for
	Explain      string        // why this backend, and what it made of what was asked for
	Fragmented   bool          // a message queue whose messages are smaller than MaxMessage: larger ones go in parts
}

// Info describes the segment as it is now. It returns ErrClosed after Close.
func (p *Pipe) Info() (Info, error) {
	if err := p.acquire(); err != nil {
		return Info{}, err
	}
	defer p.release()
	if p.queue != nil {
		return p.queueInfo()
	}
	h, r := p.header, p.header.Rings[0]
	v := Info{
		Name:        h.Name,
		Backend:     fromSegment(p.seg.Backend()),
		Path:        p.seg.Path(),
		UUID:        hex.EncodeToString(h.UUID[:]),
		Version:     fmt.Sprintf("%d.%d", h.VersionMajor, h.VersionMinor),
		Mode:        r.Mode,
		Capacity:    int(r.Capacity),
		MaxMessage:  int(r.MaxMessage),
		Rings:       len(h.Rings),
		SegmentSize: int64(h.SegmentSize),
		Created:     time.Unix(0, h.CreatedUnixNano),
		Transient:   h.Flags&protocol.FlagTransient != 0,
		Obtained:    p.seg.Obtained(),
		Explain:     p.explain,
	}
	v.Places, v.Granule = int(r.Participants), int(r.Granule)
	if r.Flags&protocol.RingFlagDrop != 0 {
		v.OnConsumerDeath = Drop
	}
	for i, g := range h.Rings {
		for j := range g.Participants {
			who := p.participant(i, g.FirstParticipant+j)
			if g.Mode == SPSC || who.State != "never" {
				v.Participants = append(v.Participants, who)
			}
		}
		if b, blocked := p.blocking(i); blocked {
			v.Blocking = append(v.Blocking, b)
		}
	}
	return v, nil
}
