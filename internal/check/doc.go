// Package check walks a segment's bytes and says what in them breaks the protocol. It never writes, never panics whatever the bytes
// are, and knows only package protocol: not the code that makes the bytes, whose mistakes it is there to find.
//
// # Live segments
//
// It may be used while participants work. Each word is read once and atomically, positions are read in an order in which what
// is older bounds what is newer, and a frame that looks wrong counts only if the consumer has not passed it meanwhile, or, in an
// MPMC ring, if its word is still the same: so what is reported is wrong indeed. What it cannot see is a frame that was wrong and was
// consumed before it came there, and payloads: they carry no checksum.
//
// # Notes
//
// What the dead left behind breaks nothing, and is a note with advice. So is a participant of an MPMC ring that seems alive and has held
// for some milliseconds what all others wait for; see [Holder].
package check
