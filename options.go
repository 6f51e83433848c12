package shmpipe

import (
	"fmt"
	"io/fs"
	"time"

	"shmpipe/protocol"
	"shmpipe/segment"
)

// Mode says how many producers and consumers a ring has.
type Mode = protocol.Mode

// Modes.
const (
	SPSC = protocol.SPSC // one producer and one consumer: the default, and the fastest
	MPMC = protocol.MPMC // many of each; a message goes to one consumer
)

// DeathPolicy says what becomes of the message that a consumer had in hand when it died.
type DeathPolicy uint8

// Policies.
const (
	Redeliver DeathPolicy = iota // another consumer, or the next one, gets it, flagged as redelivered; the default
	Drop                         // it is dropped, and counted
)

func (d DeathPolicy) String() string {
	switch d {
	case Redeliver:
		return "redeliver"
	case Drop:
		return "drop"
	}
	return fmt.Sprintf("DeathPolicy(%d)", uint8(d))
}

// ParseDeathPolicy is the inverse of DeathPolicy.String.
func ParseDeathPolicy(s string) (DeathPolicy, error) {
	for d := Redeliver; d <= Drop; d++ {
		if s == d.String() {
			return d, nil
		}
	}
	return 0, fmt.Errorf("policy is %q, want redeliver or drop: %w", s, fs.ErrInvalid)
}

// DefaultCapacity is the size of a ring's data in bytes where Geometry does not say: what docs/benchmarks-rings.md found to be
// enough for full speed, and small beside the 64 MiB that a container often has for all its shared memory.
const DefaultCapacity = 4 << 20

// Geometry is the shape of a segment. It is fixed when the segment is made.
type Geometry struct {
	Mode       Mode // 0 = SPSC
	Capacity   int  // bytes of data of each ring, rounded up to a power of two of at least 4096; 0 = DefaultCapacity
	MaxMessage int  // bytes of the largest message; 0 = the most that the capacity allows, which is half of it less 8
	Rings      int  // rings in the segment; 0 = 1. A pair for both directions is two.

	OnConsumerDeath DeathPolicy // what becomes of the message that it had in hand

	// MPMC only; 0 means the default.
	Participants int // how many may take part in a ring at once, in either role: up to 255; 0 = 64
	Granule      int // bytes that a frame is a multiple of, a power of two from 64 to 4096; docs/benchmarks-rings.md says what suits
	WordShift    int // how the ring's words are placed, see protocol.Ring; chosen by default unless Granule is given
}

func (g Geometry) header() (*protocol.Header, error) {
	if g.Mode == 0 {
		g.Mode = SPSC
	}
	if g.Capacity == 0 {
		g.Capacity = DefaultCapacity
	}
	if g.Rings == 0 {
		g.Rings = 1
	}
	if g.Participants < 0 || g.Granule < 0 || g.WordShift < 0 || g.Participants > protocol.MaxMPMCParticipants ||
		g.Granule > protocol.MaxGranule || g.WordShift > 64 {
		return nil, fmt.Errorf("geometry %+v: want 2 to %d participants, and a granule of %d to %d bytes: %w", g, protocol.MaxMPMCParticipants, protocol.MinGranule, protocol.MaxGranule, fs.ErrInvalid)
	}
	if g.Capacity < 0 || g.MaxMessage < 0 || g.Rings < 0 || g.Rings > protocol.MaxRings {
		return nil, fmt.Errorf("geometry %+v: want a capacity and a largest message of 0 or more bytes, and 1 to %d rings: %w", g, protocol.MaxRings, fs.ErrInvalid)
	}
	specs := make([]protocol.RingSpec, g.Rings)
	for i := range specs {
		specs[i] = protocol.RingSpec{
			Mode:         g.Mode,
			Capacity:     uint64(g.Capacity),
			MaxMessage:   uint64(g.MaxMessage),
			Drop:         g.OnConsumerDeath == Drop,
			Participants: uint32(g.Participants),
			Granule:      uint32(g.Granule),
			WordShift:    uint32(g.WordShift),
		}
	}
	h, err := protocol.NewHeader(specs)
	if err != nil {
		return nil, fmt.Errorf("geometry: %w (%w)", err, fs.ErrInvalid) // it names what was got and what is wanted
	}
	return h, nil
}

// WaitStrategy says how a method that waits does so.
type WaitStrategy uint8

const (
	// WaitAdaptive spins for a while, for as long as spinning has been successful lately, and then sleeps. It is the default.
	WaitAdaptive WaitStrategy = iota
	// WaitSpin spins without end and never sleeps: lowest latency, one processor each. With a single processor, where spinning only
	// keeps the other side from running, it is WaitBlock.
	WaitSpin
	// WaitBlock sleeps at once.
	WaitBlock
)

func (w WaitStrategy) String() string {
	switch w {
	case WaitAdaptive:
		return "adaptive"
	case WaitSpin:
		return "spin"
	case WaitBlock:
		return "block"
	}
	return fmt.Sprintf("WaitStrategy(%d)", uint8(w))
}

// ParseWaitStrategy is the inverse of WaitStrategy.String.
func ParseWaitStrategy(s string) (WaitStrategy, error) {
	for w := WaitAdaptive; w <= WaitBlock; w++ {
		if s == w.String() {
			return w, nil
		}
	}
	return 0, fmt.Errorf("wait strategy is %q, want adaptive, spin or block: %w", s, fs.ErrInvalid)
}

// DefaultSpin is how long WaitAdaptive spins at most. Waking a sleeper takes 5 to 50 microseconds; to spin for longer than that
// cannot pay.
const DefaultSpin = 50 * time.Microsecond

// Options are the choices of one process; two ends of a ring may differ in them. Nil and the zero value mean the defaults.
type Options struct {
	Backend Backend       // 0 = POSIX
	Dir     string        // directory of POSIX segments, of the lock files of SysV ones, and of the state files of queues; "" = /dev/shm
	Perm    fs.FileMode   // of a segment that is made; 0 = 0600
	Wait    WaitStrategy  // how to wait
	Spin    time.Duration // longest spin of WaitAdaptive; 0 = DefaultSpin, less = none

	// HugePages, Lock and Prefault ask for huge pages, memory that is not swapped out, and memory that is there before it is first
	// touched. They are best effort: [Info] says what was obtained.
	HugePages, Lock, Prefault bool

	// AllowOtherOwner opens a segment that belongs to another user than this one and root. Whoever owns a segment can change it at
	// any time, so do not, unless that user is trusted.
	AllowOtherOwner bool

	// ReadOnly maps the segment so that it can be looked at (Info, Stats) but not written to: no role can be taken.
	ReadOnly bool

	// Transient, when making a segment, has the last participant that leaves it remove it, once it is drained.
	Transient bool

	// Follow has this end outlast its peers: a consumer goes on waiting after the end of stream and after a producer's death, and a
	// producer after its consumer's, until a successor comes.
	Follow bool

	// Producers is how many producers must have come, and closed, for a consumer to see the end of stream; 0 = 1.
	Producers int
}

func (o *Options) withDefaults() Options {
	var v Options
	if o != nil {
		v = *o
	}
	if v.Spin == 0 {
		v.Spin = DefaultSpin
	}
	v.Spin = max(v.Spin, 0)
	v.Producers = max(v.Producers, 1)
	return v
}

func (o Options) segment() segment.Options {
	return segment.Options{Dir: o.Dir, Perm: o.Perm, AllowOtherOwner: o.AllowOtherOwner, ReadOnly: o.ReadOnly, HugePages: o.HugePages, Lock: o.Lock, Prefault: o.Prefault}
}
