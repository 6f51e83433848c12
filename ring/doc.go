// Package ring holds the lock-free algorithms, over memory that the caller supplies. It knows the wire contract (package
// protocol) and nothing of files, processes, sleeping or time-outs, so that it runs and is tested on any slice of bytes.
//
// An SPSC ring is a byte ring with a shared tail and a shared head. The tail says what the producer has committed, the head
// what it may overwrite; each side works on a private copy of the other's position until that is used up, so that the line
// moves between the cores once for many messages (Lee, Bu, Chandranmenon: MCRingBuffer, 2010; the same idea as the cached
// index of rigtorp's SPSCQueue). Frames vary in length, are contiguous and aligned to eight bytes; a padding frame fills what
// is left before the end.
//
//	            head                cursor                 tail
//	              |  finished, credit  |  committed, unread  |  free
//	--------------+--------------------+---------------------+------------
//	              |<-- at most 1/8 --->|
//	              |    of the ring     |
//
// # Progress
//
// Every method is wait-free: a bounded number of steps, whatever the other side does. Whether there is a message, or space for
// one, depends on the other side, of course; waiting for that is the caller's business.
//
// # Trust
//
// A private position is the truth for its owner; the shared copy is output. What the other side writes is read once, checked
// and then used. A value that breaks the protocol makes the ring [Broken]: it is marked in shared memory and not used further.
//
// # Memory order
//
// docs/memory-ordering.md lists every edge. Labels such as "T1" in the code name them.
package ring
