// Package futex puts goroutines to sleep on 32-bit words that processes share, and wakes them.
//
// Three layers, each usable alone:
//
//   - [Wait], [Wake] and [WaitAny] are the system calls, with the errors that every caller would fold anyway folded;
//   - [Cancel] is a word of this process that ends a sleep from another goroutine, for contexts and Close;
//   - [Gate] is the protocol on top: sleep until somebody published, with no system call for who publishes while nobody sleeps,
//     and no wake-up lost. Its argument stands at the type.
//
// Words are naturally aligned and may lie in any mapping; the kernel knows a word of a shared file mapping by file and offset, so
// the processes may map it anywhere. The mapping must stay while somebody waits: whoever unmaps waits for the sleepers first.
//
// # Deadlines
//
// A deadline is an instant of the clock that [Now] reads (CLOCK_MONOTONIC), in nanoseconds; 0 is none. It is absolute, so a wait
// that is interrupted and begun again does not get longer.
//
// # Goroutines
//
// A wait blocks its thread. The scheduler gives the processor to other goroutines when it notices, after 20 microseconds at the
// earliest. A process with many idle rings pays a thread for each.
//
// Only Linux has all this. On other systems the package compiles, and what needs the kernel returns [errors.ErrUnsupported].
package futex
