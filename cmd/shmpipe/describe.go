package main

import (
	"time"

	"shmpipe"
)

// segmentInfo is a segment as --json has it. Scripts depend on the names.
type segmentInfo struct {
	Name       string    `json:"name"`
	Backend    string    `json:"backend"`
	Path       string    `json:"path"`
	UUID       string    `json:"uuid,omitempty"`
	Protocol   string    `json:"protocol,omitempty"`
	Mode       string    `json:"mode,omitempty"`
	Capacity   int       `json:"capacity"`
	MaxMessage int       `json:"max_message"`
	Rings      int       `json:"rings"`
	Size       int64     `json:"size"`
	Created    time.Time `json:"created,omitzero"`
	Transient  bool      `json:"transient"`

	// Of the first ring.
	OnConsumerDeath string `json:"on_consumer_death,omitempty"`
	Places          int    `json:"places,omitempty"`  // mpmc: how many can be attached at once
	Granule         int    `json:"granule,omitempty"` // mpmc, bytes

	Explain    string `json:"explain,omitempty"`    // why this backend, and what it made of what was asked for
	Fragmented bool   `json:"fragmented,omitempty"` // a queue: messages larger than its own go in parts

	Obtained     *obtained         `json:"obtained,omitempty"`
	Participants []participantInfo `json:"participants"`    // of an mpmc ring, those who have been there
	Blocking     []blockingInfo    `json:"blocking"`        // live participants that others wait for
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
	Stopped  bool      `json:"stopped,omitempty"` // alive, but stopped by a signal or a debugger
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
	Dropped       uint64 `json:"dropped"`
	Aborted       uint64 `json:"aborted"`
	ProducerWaits uint64 `json:"producer_waits"`
	ConsumerWaits uint64 `json:"consumer_waits"`
	ProducerParks uint64 `json:"producer_parks"`
	ConsumerParks uint64 `json:"consumer_parks"`
	ProducerWakes uint64 `json:"producer_wakes"`
	ConsumerWakes uint64 `json:"consumer_wakes"`

	Reaped          uint64        `json:"reaped"`
	Abandoned       uint64        `json:"abandoned"`
	Recovered       uint64        `json:"recovered"`
	RecoveryTime    time.Duration `json:"recovery_time_ns"`
	RecoveryLongest time.Duration `json:"recovery_longest_ns"`

	Poisoned bool `json:"poisoned"`
}

func describe(i shmpipe.Info) segmentInfo {
	v := segmentInfo{
		Name: i.Name, Backend: i.Backend.String(), Path: i.Path, UUID: i.UUID, Protocol: i.Version, Mode: i.Mode.String(),
		Capacity: i.Capacity, MaxMessage: i.MaxMessage, Rings: i.Rings, Size: i.SegmentSize, Created: i.Created, Transient: i.Transient,
		Participants: []participantInfo{}, Blocking: []blockingInfo{},
	}
	if i.Obtained != (shmpipe.Obtained{}) {
		v.Obtained = &obtained{i.Obtained.HugePages, i.Obtained.Locked, i.Obtained.Prefaulted}
	}
	for _, p := range i.Participants {
		info := participantInfo{Ring: p.Ring, Role: p.Role, State: p.State, Stopped: p.Stopped, Epoch: p.Epoch}
		if p.State != "never" {
			info.PID, info.Command, info.Attached = p.PID, p.Command, p.Attached
		}
		v.Participants = append(v.Participants, info)
	}
	v.Explain, v.Fragmented = i.Explain, i.Fragmented
	v.OnConsumerDeath = i.OnConsumerDeath.String()
	if i.Mode == shmpipe.MPMC {
		v.Places, v.Granule = i.Places, i.Granule
	}
	for _, b := range i.Blocking {
		v.Blocking = append(v.Blocking, blockingInfo{Ring: b.Ring, Role: b.Role, PID: b.PID, Command: b.Command, Stopped: b.Stopped, What: b.What})
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

// queue reports whether it is a message queue.
func (v *segmentInfo) queue() bool {
	b, err := shmpipe.ParseBackend(v.Backend)
	return err == nil && b.Queue()
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
