// Package spin has the three machine instructions that a short busy wait needs and Go does not offer: one that tells the core
// that it spins, one that reads its tick counter, and the counter's rate. It makes no system call while it waits.
//
// On amd64 and arm64 they are assembly. Elsewhere, and under the build tag purego, plain Go stands in: slower, same contract.
package spin

import "sync"

// saneTicksPerMicrosecond is used where the rate cannot be had: a counter that stands still, runs backwards, or is trapped.
// Budgets computed with it are wrong by a small factor and still finite, and that is all a spin budget needs.
const saneTicksPerMicrosecond = 1000

// Pause burns a little time: n times PAUSE on amd64, n times ISB on arm64, about as much elsewhere. It tells the core that this
// is a spin loop, which saves power and leaves the execution units to a sibling thread. n == 0 returns at once.
//
// One PAUSE takes 10 to 140 cycles, by the model of the processor: measure budgets with [Ticks], not with n. The loop cannot be
// preempted, so a garbage collection waits for it. Keep n below some hundreds and call it again.
func Pause(n uint32) { pause(n) }

// Ticks reads the core's counter: TSC on amd64, CNTVCT_EL0 on arm64, monotonic nanoseconds elsewhere. It is not ordered with the
// loads and stores around it. On any machine of the last decade the counters of all cores agree and keep their rate; treat a
// difference as unsigned and as a hint, for it may be absurd after a suspend or a move to another host.
func Ticks() uint64 { return ticks() }

// TicksPerMicrosecond is the rate of [Ticks], never 0. It is found once, at first use, which takes up to 200 microseconds on
// amd64. Safe for concurrent use.
func TicksPerMicrosecond() uint64 { return rate() }

var rate = sync.OnceValue(ticksPerMicrosecond)
