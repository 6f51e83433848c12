package mqueue

import (
	"fmt"
	"io/fs"
	"time"

	"shmpipe/protocol"
)

// Kind says which queues of the kernel are used.
type Kind uint8

// Kinds.
const (
	POSIX Kind = iota + 1 // mq_open
	SysV                  // msgget
)

func (k Kind) String() string {
	switch k {
	case POSIX:
		return "posix-mq"
	case SysV:
		return "sysv-mq"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Options of one process. The zero value is a good choice.
type Options struct {
	Dir             string      // of state files; "" = /dev/shm, or /tmp where that cannot be had. Peers must use the same
	Perm            fs.FileMode // of queue and state file; 0 = 0600
	AllowOtherOwner bool        // accept what belongs to another user than this one and root
	ReadOnly        bool        // for looking only: no role can be taken
}

// Geometry is the shape of a queue. It is fixed when the queue is made.
type Geometry struct {
	Mode         protocol.Mode
	Capacity     int // bytes that it should hold; 0 = as many as the host's limits allow, up to 1 MiB
	MaxMessage   int // bytes of the largest message; 0 = 1 MiB
	Participants int // MPMC: how many at once, in either role; 0 = 64
	Transient    bool
}

// Limits of what can be asked for, and defaults.
const (
	mostMessage       = 1 << 30
	defaultMaxMessage = 1 << 20
	defaultCapacity   = 1 << 20
)

// EndOptions are those of one end.
type EndOptions struct {
	Follow    bool          // outlast the peers: no end of stream, and nobody's end is an error
	Producers int           // that must have come and closed for the end of stream; less than 1 = 1
	Spin      time.Duration // longest time to try again before each sleep; less than a microsecond = none
}

// Entry is a queue that List found.
type Entry struct {
	Name                 string
	Kind                 Kind
	Path                 string // of the queue
	Size                 int64  // bytes of its state file
	Mode                 fs.FileMode
	UID                  uint32
	Created              time.Time
	QueueMode            protocol.Mode
	Capacity, MaxMessage int
	Err                  error // why it cannot be used, if so
}

// Info describes a queue.
type Info struct {
	Name         string
	Kind         Kind
	Path         string
	UUID         [16]byte
	Mode         protocol.Mode
	Capacity     int // bytes of the queue's own messages, all in all
	MaxMessage   int // bytes
	MessageSize  int // bytes of the queue's own messages
	Messages     int // of its own that it holds
	Participants int // how many at once
	Created      time.Time
	Transient    bool
	Fragmented   bool   // messages can be larger than the queue's own
	Why          string // what limits made of what was asked for; "" if nothing
	Who          []Participant
}

// Participant is an entry of the table. All but State is what it wrote about itself.
type Participant struct {
	Index        int
	Role         protocol.Role
	State        string // "never", "alive", "closed" or "died"
	PID          int    // in its own pid namespace
	PIDNamespace uint64
	StartTime    uint64 // clock ticks since boot
	Command      string
	Attached     time.Time
	Takes        uint64 // how often the entry was taken
	Counters     Counters
}

// Counters count since the queue was made, for one role.
type Counters struct {
	Messages, Bytes uint64
	Waits           uint64 // times it was found full or empty, and a wait began
	Parks           uint64 // times a wait led to sleep
	Dropped         uint64 // parts of messages that were thrown away, because their sender did not finish
}

func (c *Counters) add(o Counters) {
	c.Messages += o.Messages
	c.Bytes += o.Bytes
	c.Waits += o.Waits
	c.Parks += o.Parks
	c.Dropped += o.Dropped
}
