// Package crowd measures queues of many producers and many consumers, each a process of its own, as duel does for one of each. [Main] is
// a command:
//
//	[flags] NAME NxM SIZE COUNT   N producers send COUNT messages of SIZE bytes each to M consumers; ends with "… msgs_per_s=X cpu_ns_per_msg=Y"
//	compare [flags]               all contestants in several shapes, interleaved: a table in Markdown on standard output
//
// Contestants: see contestants.go and channel_linux.go. All get the same number of bytes of ring, or of the kernel's buffer as near to it as
// the kernel allows. Processes are pinned to the allowed CPUs in turn, producers first, and start together. The rate is that of all
// messages from the first process's start to the end of the last one, where the end of a consumer is when it learns that there is no
// more. CPU time is that of all processes between their starts and their ends.
//
// Each message carries the number of its producer and its own in every 64 bytes and in its last word; the consumer reads them all, so
// a message that is torn, late or doubled ends the run with an error, and so does one that is lost.
package crowd
