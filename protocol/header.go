package protocol

import (
	"encoding/binary"
	"hash/crc32"
	"structs"
)

// Magic opens every segment. Its first byte is not text, so that a text file is never taken for a segment.
var Magic = [8]byte{0x89, 'S', 'H', 'M', 'P', 'I', 'P', 'E'}

// Version of the layout. A reader refuses another major version; a higher minor version only adds what may be ignored.
const (
	VersionMajor = 1
	VersionMinor = 0
)

// ByteOrderMark reads 0x01020304 where the reader and the writer agree on the order of bytes.
const ByteOrderMark uint32 = 0x01020304

// Sizes of the fixed parts, in bytes.
const (
	HeaderSize           = 4096 // header page; the ring table follows
	HeaderChecked        = 512  // the header's first bytes, covered by the checksum together with the ring table
	RingEntrySize        = 128
	ParticipantEntrySize = 128
	PageSize             = 4096 // alignment of control blocks and data; not the page size of the host
	Line                 = 128  // false-sharing unit: two cache lines, for the adjacent-line prefetcher
)

// Limits of a segment.
const (
	MaxName         = 200 // bytes of a name
	MaxRings        = 1024
	MaxParticipants = 64 * 1024
	MinCapacity     = 4096    // bytes of a ring's data
	MaxCapacity     = 1 << 40 // bytes of a ring's data
)

// Feature bits come in three sets, as in ext4. A reader that meets a bit it does not know refuses the segment (incompatible),
// may look but not write (read-only compatible), or goes on (compatible).
const (
	KnownIncompatible       uint64 = 0
	KnownReadOnlyCompatible uint64 = 0
	KnownCompatible         uint64 = 0
)

// Offsets of the header's fields, in bytes from the start of the segment.
const (
	OffMagic              = 0   // [8]byte
	OffVersionMajor       = 8   // u16
	OffVersionMinor       = 10  // u16
	OffByteOrder          = 12  // u32
	OffHeaderSize         = 16  // u32
	OffChecksum           = 20  // u32, CRC-32C, taken with this field as zero
	OffIncompatible       = 24  // u64
	OffReadOnlyCompatible = 32  // u64
	OffCompatible         = 40  // u64
	OffSegmentSize        = 48  // u64
	OffUUID               = 56  // [16]byte
	OffCreated            = 72  // i64, nanoseconds since 1970, for people
	OffRingCount          = 80  // u32
	OffRingTable          = 84  // u32
	OffRingEntrySize      = 88  // u32
	OffParticipantCount   = 92  // u32
	OffParticipantTable   = 96  // u32
	OffParticipantSize    = 100 // u32
	OffFlags              = 104 // u32, see FlagKeep
	OffNameLength         = 108 // u32
	OffName               = 112 // [200]byte, zero-padded
	OffReserved           = 312 // [200]byte, zero
	OffState              = 512 // u32, atomic
)

// Flags of a segment. A reader refuses one that it does not know, so a new flag takes a new major version or an incompatible bit.
const (
	// FlagTransient says that the last participant to leave removes the segment once it is drained.
	FlagTransient uint32 = 1 << 0

	knownFlags = FlagTransient
)

// States of a segment, in the word at OffState. It is stored atomically, and StateReady after all else.
const (
	StateBuilding uint32 = 0 // the creator is not done, or died before it was
	StateReady    uint32 = 1
	StateRemoved  uint32 = 2 // the name is gone or going; nobody attaches any more
)

// headerLayout mirrors the first HeaderChecked bytes and the state behind them, so that the compiler checks the offsets.
type headerLayout struct {
	_                  structs.HostLayout
	Magic              [8]byte
	VersionMajor       uint16
	VersionMinor       uint16
	ByteOrder          uint32
	HeaderSize         uint32
	Checksum           uint32
	Incompatible       uint64
	ReadOnlyCompatible uint64
	Compatible         uint64
	SegmentSize        uint64
	UUID               [16]byte
	Created            int64
	RingCount          uint32
	RingTable          uint32
	RingEntrySize      uint32
	ParticipantCount   uint32
	ParticipantTable   uint32
	ParticipantSize    uint32
	Flags              uint32
	NameLength         uint32
	Name               [MaxName]byte
	Reserved           [200]byte
	State              uint32
}

// Header is the decoded and checked copy of what the creator wrote: a private value, safe to use without looking at the
// segment again.
type Header struct {
	VersionMajor       uint16
	VersionMinor       uint16
	Incompatible       uint64
	ReadOnlyCompatible uint64
	Compatible         uint64
	SegmentSize        uint64
	UUID               [16]byte
	CreatedUnixNano    int64
	ParticipantCount   uint32
	ParticipantTable   uint32
	Flags              uint32
	Name               string
	Rings              []Ring
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum covers the fixed header, with the checksum's own field as zero, and then the ring table.
func checksum(fixed, table []byte) uint32 {
	var zero [4]byte
	sum := crc32.Update(0, castagnoli, fixed[:OffChecksum])
	sum = crc32.Update(sum, castagnoli, zero[:])
	sum = crc32.Update(sum, castagnoli, fixed[OffChecksum+4:HeaderChecked])
	return crc32.Update(sum, castagnoli, table)
}

// Encode writes h, as laid out by [NewHeader], to the start of mem. It does not touch the state, which stays StateBuilding
// until the creator publishes the segment. It panics if mem is shorter than the header and the ring table.
func (h *Header) Encode(mem []byte) {
	le := binary.LittleEndian
	table := mem[HeaderSize : HeaderSize+len(h.Rings)*RingEntrySize]
	for i := range h.Rings {
		h.Rings[i].encode(table[i*RingEntrySize : (i+1)*RingEntrySize])
	}
	fixed := mem[:HeaderChecked]
	clear(fixed)
	copy(fixed[OffMagic:], Magic[:])
	le.PutUint16(fixed[OffVersionMajor:], h.VersionMajor)
	le.PutUint16(fixed[OffVersionMinor:], h.VersionMinor)
	le.PutUint32(fixed[OffByteOrder:], ByteOrderMark)
	le.PutUint32(fixed[OffHeaderSize:], HeaderSize)
	le.PutUint64(fixed[OffIncompatible:], h.Incompatible)
	le.PutUint64(fixed[OffReadOnlyCompatible:], h.ReadOnlyCompatible)
	le.PutUint64(fixed[OffCompatible:], h.Compatible)
	le.PutUint64(fixed[OffSegmentSize:], h.SegmentSize)
	copy(fixed[OffUUID:OffUUID+16], h.UUID[:])
	le.PutUint64(fixed[OffCreated:], uint64(h.CreatedUnixNano))
	le.PutUint32(fixed[OffRingCount:], uint32(len(h.Rings)))
	le.PutUint32(fixed[OffRingTable:], HeaderSize)
	le.PutUint32(fixed[OffRingEntrySize:], RingEntrySize)
	le.PutUint32(fixed[OffParticipantCount:], h.ParticipantCount)
	le.PutUint32(fixed[OffParticipantTable:], h.ParticipantTable)
	le.PutUint32(fixed[OffParticipantSize:], ParticipantEntrySize)
	le.PutUint32(fixed[OffFlags:], h.Flags)
	le.PutUint32(fixed[OffNameLength:], uint32(len(h.Name)))
	copy(fixed[OffName:OffName+MaxName], h.Name)
	le.PutUint32(fixed[OffChecksum:], checksum(fixed, table))
}

// Parse reads and checks the header of a segment of size bytes whose beginning is in mem. It returns a private copy, or an
// error that matches [ErrNotSegment], [ErrVersion] or [ErrCorrupt] and says which field held what. It does not look at the
// state; see [OffState].
//
// The order of the checks is the order in which they make sense: is it ours, can we read it, is it whole, is it sound.
func Parse(mem []byte, size uint64) (*Header, error) {
	le := binary.LittleEndian
	if len(mem) < HeaderSize {
		return nil, corrupt("segment size", 0, uint64(len(mem)), HeaderSize)
	}
	// One copy, then only the copy: a peer that changes the header meanwhile changes nothing here.
	fixed := append([]byte(nil), mem[:HeaderChecked]...)
	if [8]byte(fixed[OffMagic:OffMagic+8]) != Magic {
		return nil, notSegment(fixed[OffMagic : OffMagic+8])
	}
	switch mark := le.Uint32(fixed[OffByteOrder:]); mark {
	case ByteOrderMark:
	case 0x04030201:
		return nil, versionError("byte order mark", uint64(mark), uint64(ByteOrderMark), "it was written on a big-endian host: remove it with `shmpipe rm --force`, or take another name")
	default:
		return nil, corrupt("byte order mark", OffByteOrder, uint64(mark), uint64(ByteOrderMark))
	}
	if major := le.Uint16(fixed[OffVersionMajor:]); major != VersionMajor {
		return nil, versionError("header version", uint64(major), VersionMajor, "open it with the release that made it, or make it anew")
	}
	count := le.Uint32(fixed[OffRingCount:])
	if count == 0 || count > MaxRings {
		return nil, corruptRange("ring count", OffRingCount, uint64(count), 1, MaxRings)
	}
	end := HeaderSize + int(count)*RingEntrySize
	if len(mem) < end {
		return nil, corrupt("segment size", 0, uint64(len(mem)), uint64(end))
	}
	table := append([]byte(nil), mem[HeaderSize:end]...)
	if got, want := le.Uint32(fixed[OffChecksum:]), checksum(fixed, table); got != want {
		return nil, corrupt("header checksum", OffChecksum, uint64(got), uint64(want))
	}
	h := &Header{
		VersionMajor:       le.Uint16(fixed[OffVersionMajor:]),
		VersionMinor:       le.Uint16(fixed[OffVersionMinor:]),
		Incompatible:       le.Uint64(fixed[OffIncompatible:]),
		ReadOnlyCompatible: le.Uint64(fixed[OffReadOnlyCompatible:]),
		Compatible:         le.Uint64(fixed[OffCompatible:]),
		SegmentSize:        le.Uint64(fixed[OffSegmentSize:]),
		UUID:               [16]byte(fixed[OffUUID : OffUUID+16]),
		CreatedUnixNano:    int64(le.Uint64(fixed[OffCreated:])),
		ParticipantCount:   le.Uint32(fixed[OffParticipantCount:]),
		ParticipantTable:   le.Uint32(fixed[OffParticipantTable:]),
		Flags:              le.Uint32(fixed[OffFlags:]),
	}
	if unknown := h.Incompatible &^ KnownIncompatible; unknown != 0 {
		return nil, featureError(unknown)
	}
	if h.SegmentSize > size {
		return nil, corrupt("segment size (truncated?)", OffSegmentSize, size, h.SegmentSize)
	}
	for _, f := range [...]struct {
		field     string
		off       int
		got, want uint32
	}{
		{"header size", OffHeaderSize, le.Uint32(fixed[OffHeaderSize:]), HeaderSize},
		{"ring table offset", OffRingTable, le.Uint32(fixed[OffRingTable:]), HeaderSize},
		{"ring entry size", OffRingEntrySize, le.Uint32(fixed[OffRingEntrySize:]), RingEntrySize},
		{"participant entry size", OffParticipantSize, le.Uint32(fixed[OffParticipantSize:]), ParticipantEntrySize},
	} {
		if f.got != f.want {
			return nil, corrupt(f.field, f.off, uint64(f.got), uint64(f.want))
		}
	}
	if unknown := h.Flags &^ knownFlags; unknown != 0 {
		return nil, corrupt("flags", OffFlags, uint64(h.Flags), uint64(h.Flags&knownFlags))
	}
	n := le.Uint32(fixed[OffNameLength:])
	if n > MaxName {
		return nil, corruptRange("name length", OffNameLength, uint64(n), 0, MaxName)
	}
	h.Name = string(fixed[OffName : OffName+n])
	for i := range int(count) {
		h.Rings = append(h.Rings, decodeRing(table[i*RingEntrySize:(i+1)*RingEntrySize]))
	}
	if err := h.validate(); err != nil {
		return nil, err
	}
	return h, nil
}

// Writable reports why a peer of this build must not write to the segment: it has a read-only-compatible feature bit that is
// not known here. It returns nil where it may.
func (h *Header) Writable() error {
	if unknown := h.ReadOnlyCompatible &^ KnownReadOnlyCompatible; unknown != 0 {
		return readOnlyError(unknown)
	}
	return nil
}
