package protocol

import "structs"

// Offsets in a participant's entry, in bytes from its start. Only the holder of the entry's lease writes it. Everything but the
// status is there for people: identity is the entry and its epoch, and life is the lease.
const (
	OffStatus       = 0  // u64, atomic: state in the low 8 bits, epoch above
	OffRole         = 8  // u32
	OffPID          = 12 // u32, in the participant's own pid namespace
	OffPIDNamespace = 16 // u64, inode of that namespace
	OffStartTime    = 24 // u64, clock ticks since boot at which the process started
	OffAttached     = 32 // i64, nanoseconds since 1970
	OffCommand      = 40 // [16]byte, name of the process, zero-padded
)

type participantLayout struct {
	_            structs.HostLayout
	Status       uint64
	Role         uint32
	PID          uint32
	PIDNamespace uint64
	StartTime    uint64
	Attached     int64
	Command      [16]byte
	Reserved     [72]byte
}

// Role of a participant.
type Role uint32

// Roles.
const (
	RoleNone     Role = 0
	RoleProducer Role = 1
	RoleConsumer Role = 2
)

func (r Role) String() string {
	switch r {
	case RoleProducer:
		return "producer"
	case RoleConsumer:
		return "consumer"
	}
	return "none"
}

// Status is the word that says what became of a participant's entry. The epoch counts how often the entry was taken, so a
// status never comes back.
type Status uint64

// States of an entry, the low 8 bits of its status.
const (
	EntryNever  = 0 // nobody has had it
	EntryActive = 1 // somebody attached. Alive if the lease is held; if it is free, that participant died.
	EntryClosed = 2 // left in order
	EntryDied   = 3 // died, and what it had in hand has been dealt with. MPMC only
)

// NewStatus packs a status.
func NewStatus(epoch uint64, state uint8) Status { return Status(epoch<<8 | uint64(state)) }

// In an MPMC ring an entry is now a producer's and now a consumer's. There the epoch is two counts of 28 bits each: how often the
// entry was taken at all, and above it how often by a producer.
const producersShift = 28

// NewMPMCStatus packs the status of an entry of an MPMC ring.
func NewMPMCStatus(takes, producers uint64, state uint8) Status {
	const mask = 1<<producersShift - 1
	return NewStatus(takes&mask|producers&mask<<producersShift, state)
}

// Takes counts how often the entry of an MPMC ring was taken.
func (s Status) Takes() uint64 { return s.Epoch() & (1<<producersShift - 1) }

// Producers counts how often it was taken by a producer.
func (s Status) Producers() uint64 { return s.Epoch() >> producersShift }

// State is one of the Entry constants, or a value that breaks the protocol.
func (s Status) State() uint8 { return uint8(s) }

// Epoch counts how often the entry was taken.
func (s Status) Epoch() uint64 { return uint64(s) >> 8 }

// Lease bytes lie far beyond the end of the file, where no data is. Locks are open-file-description locks (F_OFD_SETLK).
const (
	leaseBase = 1 << 62

	// AttachByte is locked shared while a participant takes its lease, and exclusively by who removes the segment, so that
	// nobody attaches to a name that is going away.
	AttachByte int64 = leaseBase - 1
)

// LeaseByte is the offset of the byte whose lock is the lease of a participant's entry.
func LeaseByte(participant uint32) int64 { return leaseBase + int64(participant) }
