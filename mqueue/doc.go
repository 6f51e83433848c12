// Package mqueue carries messages of any length through a message queue of the kernel: what shmpipe falls back to where shared memory is
// not to be had.
//
// A queue holds bytes and nothing else, so a small file beside it, the state file, says what it is, who takes part and who lives, and keeps
// what a receiver left over. It is read with pread and written with pwrite, never mapped.
//
//	offset  what
//	0       header: immutable, with a checksum; written before the queue is made
//	1024    state: 0 being made, 1 ready, 2 removed; what identifies the System V queue; how many came
//	4096    participants, 256 bytes each
//	69632   leftovers: messages that a receiver had and did not deliver
//	2^40    nothing is stored; bytes are locked: who makes it, the table's lock, turns, one for each participant
//
// Numbers are little-endian. Fields of the header and of an entry are in layout.go.
//
// A message that is longer than the queue's own messages goes in fragments, which lie together: with one sender and one receiver by
// themselves, otherwise because senders and receivers take turns, each for a whole message.
package mqueue
