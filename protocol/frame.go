package protocol

// A frame is an eight-byte header, the payload, and zero to seven bytes that nobody reads, so that the next frame is aligned.
// The header is one little-endian 64-bit word:
//
//	 63      56 55      48 47              32 31                               0
//	+----------+----------+------------------+----------------------------------+
//	| version  |  flags   |       type       |        length of payload         |
//	+----------+----------+------------------+----------------------------------+
//
// Type belongs to the application. A frame does not wrap: if it does not fit before the end of the data, a padding frame fills
// the rest and the frame starts at index 0.
const (
	FrameHeaderSize = 8
	FrameAlign      = 8
	FrameVersion    = 1 // never 0, so that memory nobody wrote is no frame

	frameTypeShift    = 32
	frameFlagsShift   = 48
	frameVersionShift = 56
)

// Flags of a frame.
const (
	FramePadding uint8 = 1 << 0 // filler: skip it. SPSC only
	FrameBatch   uint8 = 1 << 1 // many messages in one frame, see BatchHeaderSize. MPMC only

	knownFrameFlags = FramePadding
)

// MaxPayload is the largest payload a ring of that capacity can carry: a frame may be preceded by padding that is shorter than
// itself, and both must fit in the ring at once, else it could wait for ever.
func MaxPayload(capacity uint64) uint64 {
	return min(capacity/2-FrameHeaderSize, 1<<32-1-FrameHeaderSize-FrameAlign)
}

// FrameSize is the number of bytes in the ring that a payload of n bytes takes, header and alignment included.
func FrameSize(n uint64) uint64 {
	return (n + FrameHeaderSize + FrameAlign - 1) &^ (FrameAlign - 1)
}

// FrameHeader packs a frame's header word.
func FrameHeader(n uint32, typ uint16, flags uint8) uint64 {
	return uint64(n) | uint64(typ)<<frameTypeShift | uint64(flags)<<frameFlagsShift | FrameVersion<<frameVersionShift
}

// FrameLength is the payload's length in bytes, as the header word has it: unchecked.
func FrameLength(word uint64) uint64 { return word & 0xffffffff }

// FrameType is the application's type of a frame.
func FrameType(word uint64) uint16 { return uint16(word >> frameTypeShift) }

// IsData reports whether the header word is that of a message: right version, no flags. Anything else is padding or a breach.
func IsData(word uint64) bool {
	return word>>frameFlagsShift == FrameVersion<<(frameVersionShift-frameFlagsShift)
}

// IsPadding reports whether the header word is that of a padding frame.
func IsPadding(word uint64) bool {
	return word>>frameFlagsShift == FrameVersion<<(frameVersionShift-frameFlagsShift)|uint64(FramePadding)
}

// IsBatch reports whether the header word is that of a batch.
func IsBatch(word uint64) bool {
	return word>>frameFlagsShift == FrameVersion<<(frameVersionShift-frameFlagsShift)|uint64(FrameBatch)
}

// CheckMPMCFrame explains why a header word is a breach of the protocol: one that was found at a position of an MPMC ring, in
// granules, with limit bytes for it and what follows. It returns nil if it is sound: a message, or, if that may be, a batch.
func CheckMPMCFrame(word, pos, limit, maxMessage uint64, batch bool) error {
	n := FrameLength(word)
	switch {
	case batch && IsBatch(word):
		if limit < BatchHeaderSize || n > limit-BatchHeaderSize || n%FrameAlign != 0 {
			return corruptRange("length of a batch", pos, n, 0, limit-min(limit, BatchHeaderSize))
		}
	case !IsData(word):
		return &CorruptError{Field: "frame version and flags", Offset: pos, Got: word >> frameFlagsShift, Want: "256 (a message) or, where a frame begins, 258 (a batch)"}
	case limit < FrameHeaderSize || n > limit-FrameHeaderSize:
		return corruptRange("frame length", pos, n, 0, limit-min(limit, FrameHeaderSize))
	case n > maxMessage:
		return corruptRange("frame length", pos, n, 0, maxMessage)
	}
	return nil
}

// CheckFrame explains why a frame's header word, found at position pos of a ring, is a breach of the protocol. Limit is the
// number of bytes that may belong to the frame: up to the tail and up to the end of the data, whichever is less. It returns nil
// if the frame is sound.
func CheckFrame(word, pos, limit, maxMessage uint64) error {
	if v := word >> frameVersionShift; v != FrameVersion {
		return &CorruptError{Field: "frame version", Offset: pos, Got: v, Want: "1"}
	}
	flags := uint8(word >> frameFlagsShift)
	if flags&^knownFrameFlags != 0 {
		return &CorruptError{Field: "frame flags", Offset: pos, Got: uint64(flags), Want: "0 or 1 (padding)"}
	}
	if limit < FrameHeaderSize {
		return &CorruptError{Field: "room for a frame", Offset: pos, Got: limit, Want: "at least 8"}
	}
	n := FrameLength(word)
	if FrameSize(n) > limit {
		return corruptRange("frame length", pos, n, 0, limit-FrameHeaderSize)
	}
	if flags&FramePadding == 0 && n > maxMessage {
		return corruptRange("frame length", pos, n, 0, maxMessage)
	}
	return nil
}
