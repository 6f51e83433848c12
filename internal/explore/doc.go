// Package explore runs the code of the MPMC ring through every interleaving of small configurations, with a crash before every step.
//
// It is a package of tests, under the build tag seam:
//
//	go test -tags seam ./internal/explore
//
// # How
//
// A process is a coroutine that runs the shipping code and stops at each mark of package seam, that is before each access to
// shared memory. What it does between two marks depends on nothing but where it stands and what it finds at the place that it
// is about to access. So this is learned once: for each place to stand, and each value found there, the code is run from the
// start of the process, alone, in a memory that shows it the values that lead there, and what it writes and where it stops next
// is noted. After that, the explorer combines what the processes do by looking it up, some million steps a second, and visits
// every state that any schedule, and any crash, can lead to.
//
// What this rests on is checked while it runs. Each thing that is learned is learned twice, the second time with garbage in all
// places that the step should not look at, and along another path to the same place to stand, if one is known: so an access
// without a mark, and two histories that were taken for the same by mistake, are found. And whole runs of all processes together,
// on one memory, are compared with what the explorer says step by step.
//
// # What is checked
//
// Nothing torn is delivered, nothing that was never committed, nothing twice without the flag; messages of a producer are taken in
// their order; no word of a living participant is changed by another. And from each state, if no more crashes come and the survivors
// take turns, every living producer ends its program, every committed message is delivered and finished, and every frame is given
// back. Rings that have too many states are walked through at random.
//
// That these checks see something is checked too: the tests break one rule of the ring at a time, in a copy that is laid over its
// source, and each must be caught.
//
// # What is not
//
// Weak memory: steps are sequentially consistent here. Sleeping and waking, which have no marks. A hint is read and moved in one step.
// Looks at a hint in the middle of a long walk come in the walks at random only: how many granules a walk has
// passed is in no field of the endpoint, so two states that differ in nothing else are taken for one.
package explore
