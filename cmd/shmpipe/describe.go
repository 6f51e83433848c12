package main

import (
	"time"

	"shmpipe"
)

// segmentInfo is a segment as --json has it. Scripts depend on the names.
type segmentInfo struct {
	Name         string            `json:"name"`
	Backend      string            `json:"backend"`
	Path         string            `json:"path"`
	UUID         string            `json:"uuid,omitempty"`
	Protocol     string            `json:"protocol,omitempty"`
	Mode         string            `json:"mode,omitempty"`
	Capacity     int               `json:"capacity"`
	MaxMessage   int               `json:"max_message"`
	Rings        int               `json:"rings"`
	Size         int64             `json:"size"`
	Created      time.Time         `json:"created,omitzero"`
	Transient    bool              `json:"transient"`
	Obtained     *obtained         `json:"obtained,omitempty"`
	Participants []participantInfo `json:"participants"`
	Stats        []ringStats       `json:"stats,omitempty"` // one for each ring
	Error        string            `json:"error,omitempty"`
}

type obtained struct {
	HugePages  string `json:"huge_pages,omitempty"`
	Locked     string `json:"locked,omitempty"`
	Prefaulted string `json:"prefaulted,omitempty"`
}

type participantInfo struct {
	Ring     int       `json:"ring"`
	Role     string    `json:"role"`
	State    string    `json:"state"`
	PID      int       `json:"pid,omitempty"`
	Command  string    `json:"command,omitempty"`
	Attached time.Time `json:"attached,omitzero"`
	Epoch    uint64    `json:"epoch"`
}

type ringStats struct {
	Sent          uint64 `json:"sent"`
	SentBytes     uint64 `json:"sent_bytes"`
	Received      uint64 `json:"received"`
	ReceivedBytes uint64 `json:"received_bytes"`
	Backlog       uint64 `json:"backlog"`
	Capacity      uint64 `json:"capacity"`
	Redelivered   uint64 `json:"redelivered"`
	Aborted       uint64 `json:"aborted"`
	ProducerWaits uint64 `json:"producer_waits"`
	ConsumerWaits uint64 `json:"consumer_waits"`
	ProducerParks uint64 `json:"producer_parks"`
	ConsumerParks uint64 `json:"consumer_parks"`
	ProducerWakes uint64 `json:"producer_wakes"`
	ConsumerWakes uint64 `json:"consumer_wakes"`
	Poisoned      bool   `json:"poisoned"`
}

func describe(i shmpipe.Info) segmentInfo {
	v := segmentInfo{
		Name: i.Name, Backend: i.Backend.String(), Path: i.Path, UUID: i.UUID, Protocol: i.Version, Mode: i.Mode.String(),
		Capacity: i.Capacity, MaxMessage: i.MaxMessage, Rings: i.Rings, Size: i.SegmentSize, Created: i.Created, Transient: i.Transient,
		Participants: []participantInfo{},
	}
	if i.Obtained != (shmpipe.Obtained{}) {
		v.Obtained = &obtained{i.Obtained.HugePages, i.Obtained.Locked, i.Obtained.Prefaulted}
	}
	for _, p := range i.Participants {
		info := participantInfo{Ring: p.Ring, Role: p.Role, State: p.State, Epoch: p.Epoch}
		if p.State != "never" {
			info.PID, info.Command, info.Attached = p.PID, p.Command, p.Attached
		}
		v.Participants = append(v.Participants, info)
	}
	return v
}

// inspect describes a segment and the counters of all its rings.
func inspect(pipe *shmpipe.Pipe) (segmentInfo, error) {
	info, err := pipe.Info()
	if err != nil {
		return segmentInfo{}, err
	}
	v := describe(info)
	for i := range info.Rings {
		s, err := pipe.StatsOf(i)
		if err != nil {
			return v, err
		}
		v.Stats = append(v.Stats, ringStats(s))
	}
	return v, nil
}

// backlog is the sum over the rings.
func (v *segmentInfo) backlog() (n uint64) {
	for _, s := range v.Stats {
		n += s.Backlog
	}
	return n
}

// count is how many participants are in a state.
func (v *segmentInfo) count(state string) (n int) {
	for _, p := range v.Participants {
		if p.State == state {
			n++
		}
	}
	return n
}
