// Package protocol is the wire contract of shmpipe: every offset, state and flag of a segment, and the checks that a reader
// makes before it believes any of them. It makes no system call and starts no goroutine. docs/protocol.md says the same in
// prose, for people who write a peer in another language.
//
// All numbers are little-endian, and the layout is the same on every architecture. A segment looks like this:
//
//	offset             size                who writes             what
//	0x0000             512                 creator, once          header: magic, version, feature bits, geometry, name, checksum
//	0x0200             128                 anyone, atomically     state of the segment (ready is stored last)
//	0x1000             128 × rings         creator, once          ring table: mode, offsets, capacity (covered by the checksum)
//	ParticipantOffset  128 × participants  holder of the lease    participant table: status, pid, start time (diagnostics)
//	Control of a ring  4096, or more       both sides             positions, gates and counters, each on a line of its own; in MPMC
//	                                                              also a word for each granule, see [Word]
//	Data of a ring     capacity            producers              frames
//
// Three kinds of word are in it, and each is treated in its own way:
//
//   - written once by the creator before the segment has a name: read at attach, checked, copied, and never read again;
//   - atomic words (state, status, positions, gates): read once into a local, checked, then used;
//   - payload: published by the tail that covers it. A reader that does not trust the writer copies it before it looks.
//
// Death is not recorded in the segment. A participant holds a lease, a kernel lock on one byte of the segment's file (see
// [LeaseByte]), and the kernel drops the lock when the process is gone and not before.
package protocol
