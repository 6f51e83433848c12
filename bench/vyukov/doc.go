// Package vyukov is the textbook against which the ring for many producers and many consumers is measured: Dmitry Vyukov's bounded
// MPMC queue, https://www.1024cores.net/home/lock-free-algorithms/queues/bounded-mpmc-queue, here in Go and over shared memory.
//
// The queue is an array of a power of two of slots. Each slot has a sequence number, which says whose turn it is:
//
//	sequence == p             free for the message of position p
//	sequence == p + 1         holds the message of position p
//	sequence == p + slots     free again, for the next lap
//
// A producer takes a position by a compare-and-swap of the enqueue position, copies its message, and stores the sequence; a consumer
// does the same at the dequeue position. Producers and consumers share no word but the sequences.
//
// What makes it a fair opponent: the store of a sequence is a release store as in the original (on amd64 a MOV, not the XCHG that
// Go's atomic store is), messages of one word are copied as a word, slots lie end to end as the original's, and the two positions
// are two cache lines apart. What it does not have, and the ring does: messages of different lengths, batches, sleeping, checks of
// what a peer wrote, and recovery. A process that dies between taking a position and storing the sequence stops the queue for
// good. It is for benchmarks and tests only.
package vyukov
