package mqueue

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"time"

	"shmpipe/protocol"
)

// Offsets of the header's fields.
const (
	offMagic        = 0
	offVersion      = 8  // uint32
	offKind         = 12 // uint32
	offMode         = 16 // uint32
	offParticipants = 20 // uint32
	offCapacity     = 24 // uint64
	offMaxMessage   = 32 // uint64
	offMessageSize  = 40 // uint32: of the queue's own messages, in bytes
	offMessages     = 44 // uint32: that the queue holds
	offKey          = 48 // int32, System V
	offFlags        = 52 // uint32
	offCreated      = 56 // int64, nanoseconds since 1970
	offUUID         = 64 // 16 bytes
	offNameLength   = 80 // uint32
	offName         = 84 // 200 bytes
	offWhyLength    = 284
	offWhy          = 288 // 480 bytes
	offBoot         = 768 // 16 bytes: of which boot of the host
	offIPCSpace     = 784 // uint64: in which namespace its queue is
	offChecksum     = 800 // uint32, CRC-32C of the bytes before
	headerSize      = 1024

	// What changes. From here to the table's lock's end, all is written under that lock.
	offState          = 1024 // uint32
	offID             = 1028 // int32, System V: the queue's identifier
	offProducersCame  = 1032 // uint64
	offConsumersCame  = 1040 // uint64
	offLeftovers      = 1048 // uint64: how many whole messages are left over
	offLeftoversBytes = 1056 // uint64: that these, and beginnings of messages, take
	offProducersLost  = 1064 // uint64: of deaths that no entry tells of any more; see state.lost
	offConsumersLost  = 1072 // uint64
	stateSize         = 1080

	offTable     = 4096
	entrySize    = 256
	mostEntries  = protocol.MaxMPMCParticipants
	offRemainder = offTable + (mostEntries+1)*entrySize

	// Fields of an entry.
	offEntryState    = 0  // uint32
	offEntryRole     = 4  // uint32
	offEntryPID      = 8  // uint32
	offEntryPIDSpace = 16 // uint64
	offEntryStart    = 24 // uint64
	offEntryAttached = 32 // int64
	offEntryCommand  = 40 // 16 bytes
	offEntryTakes    = 56 // uint64
	offEntrySent     = 64 // counters: messages, bytes, waits, parks, dropped; of all who had the entry
	offEntryReceived = 104
)

// Bytes that are locked.
const (
	lockCreate    = 1 << 40
	lockTable     = lockCreate + 1
	lockSendTurn  = lockCreate + 2
	lockTakeTurn  = lockCreate + 3
	lockLease     = lockCreate + 16 // and the entry's number
	formatVersion = 1
)

var magic = [8]byte{'S', 'H', 'M', 'P', 'M', 'Q', '1', '\n'}

// States of the whole.
const (
	stateMaking uint32 = iota
	stateReady
	stateRemoved
)

const flagTransient = 1

// header is what does not change.
type header struct {
	kind                  Kind
	mode                  protocol.Mode
	participants          int
	capacity, maxMessage  int
	messageSize, messages int
	key                   int32
	transient             bool
	created               time.Time
	uuid                  [16]byte
	name, why             string
	boot                  [16]byte // zero: unknown
	ipcSpace              uint64   // 0: unknown
	planned               int      // capacity that was tried first; not written
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (h *header) encode() []byte {
	b := make([]byte, headerSize)
	le := binary.LittleEndian
	copy(b[offMagic:], magic[:])
	le.PutUint32(b[offVersion:], formatVersion)
	le.PutUint32(b[offKind:], uint32(h.kind))
	le.PutUint32(b[offMode:], uint32(h.mode))
	le.PutUint32(b[offParticipants:], uint32(h.participants))
	le.PutUint64(b[offCapacity:], uint64(h.capacity))
	le.PutUint64(b[offMaxMessage:], uint64(h.maxMessage))
	le.PutUint32(b[offMessageSize:], uint32(h.messageSize))
	le.PutUint32(b[offMessages:], uint32(h.messages))
	le.PutUint32(b[offKey:], uint32(h.key))
	if h.transient {
		le.PutUint32(b[offFlags:], flagTransient)
	}
	le.PutUint64(b[offCreated:], uint64(h.created.UnixNano()))
	copy(b[offUUID:], h.uuid[:])
	le.PutUint32(b[offNameLength:], uint32(copy(b[offName:offName+protocol.MaxName], h.name)))
	le.PutUint32(b[offWhyLength:], uint32(copy(b[offWhy:offBoot], h.why)))
	copy(b[offBoot:], h.boot[:])
	le.PutUint64(b[offIPCSpace:], h.ipcSpace)
	le.PutUint32(b[offChecksum:], crc32.Checksum(b[:offChecksum], castagnoli))
	return b
}

// decode checks everything it reads. The errors match protocol.ErrNotSegment, ErrVersion or ErrCorrupt.
func decode(b []byte) (*header, error) {
	le := binary.LittleEndian
	if len(b) < headerSize || [8]byte(b[:8]) != magic {
		return nil, fmt.Errorf("%w: it is no state file of a message queue", protocol.ErrNotSegment)
	}
	if v := le.Uint32(b[offVersion:]); v != formatVersion {
		return nil, fmt.Errorf("%w: the state file has version %d, this build reads %d", protocol.ErrVersion, v, formatVersion)
	}
	bad := func(field string, off int, got uint64, want string) error {
		return &protocol.CorruptError{Field: field, Offset: uint64(off), Got: got, Want: want}
	}
	if got, want := le.Uint32(b[offChecksum:]), crc32.Checksum(b[:offChecksum], castagnoli); got != want {
		return nil, bad("checksum", offChecksum, uint64(got), fmt.Sprint(want))
	}
	number := func(field string, off int, low, high uint64, wide bool) (int, error) {
		v := uint64(le.Uint32(b[off:]))
		if wide {
			v = le.Uint64(b[off:])
		}
		if v < low || v > high {
			return 0, bad(field, off, v, fmt.Sprintf("%d to %d", low, high))
		}
		return int(v), nil
	}
	h := &header{key: int32(le.Uint32(b[offKey:])), transient: le.Uint32(b[offFlags:])&flagTransient != 0, created: time.Unix(0, int64(le.Uint64(b[offCreated:])))}
	copy(h.uuid[:], b[offUUID:])
	copy(h.boot[:], b[offBoot:])
	h.ipcSpace = le.Uint64(b[offIPCSpace:])
	var kind, mode, nameLength, whyLength int
	for _, f := range []struct {
		name      string
		off       int
		low, high uint64
		wide      bool
		to        *int
	}{
		{"kind", offKind, uint64(POSIX), uint64(SysV), false, &kind},
		{"mode", offMode, uint64(protocol.SPSC), uint64(protocol.MPMC), false, &mode},
		{"participants", offParticipants, 2, mostEntries, false, &h.participants},
		{"capacity", offCapacity, 1, 1 << 40, true, &h.capacity},
		{"largest message", offMaxMessage, 1, mostMessage, true, &h.maxMessage},
		{"message size", offMessageSize, fragmentHeader + 1, mostMessage, false, &h.messageSize},
		{"messages", offMessages, 1, 1 << 30, false, &h.messages},
		{"length of the name", offNameLength, 1, protocol.MaxName, false, &nameLength},
		{"length of the reason", offWhyLength, 0, offBoot - offWhy, false, &whyLength},
	} {
		var err error
		if *f.to, err = number(f.name, f.off, f.low, f.high, f.wide); err != nil {
			return nil, err
		}
	}
	h.kind, h.mode = Kind(kind), protocol.Mode(mode)
	h.name, h.why = string(b[offName:offName+nameLength]), string(b[offWhy:offWhy+whyLength])
	if err := protocol.ValidateName(h.name); err != nil {
		return nil, fmt.Errorf("%w: %w", protocol.ErrCorrupt, err)
	}
	return h, nil
}

// queueName is the name of the POSIX queue. The identifier keeps it apart from that of a pipe of the same name in another directory,
// and from what a killed creator left.
func (h *header) queueName() string {
	return fmt.Sprintf("%s%.180s.%x", queuePrefix, h.name, h.uuid[:6])
}

const queuePrefix = "shmpipe."

// chunk is how much of a message a queue's own message carries.
func (h *header) chunk() int { return h.messageSize - fragmentHeader }

// fragmented reports whether some messages take more than one of the queue's own.
func (h *header) fragmented() bool { return h.maxMessage > h.chunk() }

// turns reports whether senders and receivers take turns.
func (h *header) turns() bool { return h.mode == protocol.MPMC && h.fragmented() }

// entry is one of the participant table.
type entry struct {
	state          uint32 // protocol.EntryNever, …
	role           protocol.Role
	pid            uint32
	pidSpace       uint64
	start          uint64
	attached       int64
	command        [16]byte
	takes          uint64
	sent, received Counters
}

func (e *entry) encode() []byte {
	b := make([]byte, entrySize)
	le := binary.LittleEndian
	le.PutUint32(b[offEntryState:], e.state)
	le.PutUint32(b[offEntryRole:], uint32(e.role))
	le.PutUint32(b[offEntryPID:], e.pid)
	le.PutUint64(b[offEntryPIDSpace:], e.pidSpace)
	le.PutUint64(b[offEntryStart:], e.start)
	le.PutUint64(b[offEntryAttached:], uint64(e.attached))
	copy(b[offEntryCommand:], e.command[:])
	le.PutUint64(b[offEntryTakes:], e.takes)
	e.sent.encode(b[offEntrySent:])
	e.received.encode(b[offEntryReceived:])
	return b
}

func decodeEntry(b []byte) entry {
	le := binary.LittleEndian
	e := entry{
		state: le.Uint32(b[offEntryState:]), role: protocol.Role(le.Uint32(b[offEntryRole:])), pid: le.Uint32(b[offEntryPID:]),
		pidSpace: le.Uint64(b[offEntryPIDSpace:]), start: le.Uint64(b[offEntryStart:]), attached: int64(le.Uint64(b[offEntryAttached:])),
		takes: le.Uint64(b[offEntryTakes:]), sent: decodeCounters(b[offEntrySent:]), received: decodeCounters(b[offEntryReceived:]),
	}
	copy(e.command[:], b[offEntryCommand:])
	return e
}

func (c Counters) encode(b []byte) {
	for i, v := range [...]uint64{c.Messages, c.Bytes, c.Waits, c.Parks, c.Dropped} {
		binary.LittleEndian.PutUint64(b[8*i:], v)
	}
}

func decodeCounters(b []byte) Counters {
	at := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8*i:]) }
	return Counters{at(0), at(1), at(2), at(3), at(4)}
}
