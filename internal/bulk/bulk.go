// Package bulk copies large messages into shared memory.
//
// The usual copy stores 16 or 32 bytes at a time, so the processor fetches each line before it knows that all of it will be overwritten. In
// a ring, those lines are in the cache of the core that read the last lap. A string instruction (REP MOVSB) says at once how much will be
// written, and processors with "enhanced REP MOVSB" then take lines over without fetching them. It takes longer to begin, so it pays
// for large copies only. The measurement is in docs/adr/0021-large-copies.md.
//
// On amd64 it is assembly. Elsewhere, under the build tag purego, and under the race detector and sanitizers, which do not see what
// assembly does, it is the usual copy.
package bulk

// Least is the length in bytes from which Copy is the better copy, if Better.
const Least = 4 << 10

// Better reports whether Copy is better than the usual copy here.
func Better() bool { return better }

// Copy copies len(src) bytes to dst, which must have as many or more and must not overlap src.
func Copy(dst, src []byte) { move(dst[:len(src)], src) }
