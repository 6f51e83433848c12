package futex

import (
	"math"
	"os"
	"runtime"
	"sync/atomic"

	"shmpipe/internal/seam"
)

// Gate is where processes sleep until a condition holds, for example "the tail has moved". It is two 32-bit words of shared
// memory, both zero at first: waiting, whose bit 0 is set while somebody sleeps or is about to, and sequence, which counts wakes
// and is the word that the kernel sleeps on. The condition itself lies elsewhere; the gate never looks at it.
//
// The sleeper:                           The waker:
//
//	S1  seq = gate.Prepare()               W1  make the condition true (seq-cst store)
//	      seq = load sequence              W2  gate.Wake()
//	      set bit 0 of waiting                   load waiting; 0: done, no system call
//	S2  load condition; true: go on        W3    clear bit 0 of waiting; was clear: done
//	S3  gate.Sleep(seq)                    W4    add 1 to sequence
//	      sleep while sequence is seq      W5    wake all
//
// # Why no wake-up is lost
//
// It is Dekker's pattern: each side stores its own word and then loads the other's. All four accesses are sequentially
// consistent, so they have one order that everybody agrees on, and in it either the sleeper's store of waiting comes before the
// waker's load of it, or the waker's store of the condition (which is before that load) comes before the sleeper's load of the
// condition (which is after that store). So the waker sees waiting, or the sleeper sees the condition, or both. "Neither" is
// what a machine does whose loads overtake its stores, and every machine does, unless told not to: on amd64 Go's atomic stores
// are XCHG, which drains the store buffer; on arm64 they are STLR, and Go's atomic loads LDAR, which does not pass an earlier
// STLR. Therefore W1 must be a sequentially consistent atomic store (or swap, add, compare-and-swap) and S2 an atomic load. A
// plain store or a store-release there breaks the gate, unless the sleepers make up for it:
//
// # A waker without a fence
//
// Where wakers publish millions of times a second and nobody sleeps, the fence in W1 costs more than all the rest. Then W1 may
// be a mere store-release, provided that each sleeper has every processor that runs a waker execute a full barrier between S1
// and S2 (membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, for which the wakers' processes have registered). A waker's W1 comes
// before that barrier, which empties the store buffer, and S2 sees it; or its W2 comes after the barrier, and sees the flag.
// A waker that could not register keeps the fence in W1. A sleeper that cannot make the barrier calls [Gate.Strict]
// before its first sleep: that sets bit 1 of waiting for good, which sends each waker through W3, an atomic
// read-modify-write and so a fence.
//
// Linux's barrier leaves out a processor now and then (see the caller), and a waker may have loaded waiting just before strict was set.
// So the first sleep after S1 is to be short, some milliseconds: a store buffer empties in far less. The sleeper then starts again
// at S1, finds the flag up or raises it, and S2 sees whatever W1 was there before the flag was.
//
// # Several sleepers and wakers
//
// If the waker sees waiting, it clears it (W3) before it counts (W4). A sleeper whose store the clear wiped out read sequence
// before that store, hence before W4: it has an old count. Either it is in the kernel's queue and W5 finds it, or it is on the way
// in, and the kernel compares once more under the queue's lock and turns it back. A sleeper whose store came after the clear
// still has its flag up, and the argument starts again. So whoever clears the flag owes a wake to everybody whose flag it was,
// and pays it in W4 and W5. The other order, count and then clear, wipes out the flag of a sleeper that has the new count.
//
// gate_model_test.go tries every interleaving of these steps, and shows what each of them is there for.
//
// # Why two words, a flag, and all
//
// One word for both would do for one sleeper. With several, a sleeper that re-arms the word makes another's comparison hold or
// fail by chance; a count that only wakes change does not. The flag is a flag and not a count of sleepers, because a sleeper
// that is killed cannot take itself off a count, and every wake would cost a system call for ever. The wake is for all and not
// for one, because the flag does not tell how many there are, and because a wake for one is lost with its receiver: it may be
// killed at that instant, or be no peer of ours but anybody who maps the file.
//
// # What remains
//
// The sleeper need not clear waiting when it leaves, and a killed one cannot: the next Wake makes one needless system call. A
// waker killed between W1 and W5 wakes nobody, and if W3 was done, neither do the next ones. So whoever sleeps for a peer that
// may be killed sleeps with a deadline not far off (100 ms), and starts again at S1, which raises the flag again.
//
// A sleeper would also miss exactly 2^32 wakes between S1 and S3; that deadline covers it too.
//
// A Gate is a small value to be copied at will, and as safe for concurrent use as its words.
type Gate struct {
	waiting  *uint32
	sequence *uint32
}

// Bits of waiting.
const (
	sleeping uint32 = 1 << 0
	strict   uint32 = 1 << 1
)

// NewGate makes a gate of two words, each aligned to 4 bytes, in memory that stays mapped while the gate is in use. They start
// as zero, but no value in them makes the gate panic or overlook its deadline.
func NewGate(waiting, sequence *uint32) Gate {
	return Gate{waiting: waiting, sequence: sequence}
}

// Prepare announces a sleeper, and returns the sequence to give to [Gate.Sleep]. The caller then checks its condition once
// more, and sleeps only if it does not hold. If it holds, there is nothing to undo: the flag stays up and costs the next waker
// one needless system call, whereas taking it down could take down another sleeper's.
func (g Gate) Prepare() uint32 {
	// In this order: a sequence that is read after the flag is up may be that of a wake which took the flag down.
	seq := atomic.LoadUint32(g.sequence)
	if seam.On {
		mark(seam.WaitFlag, g.waiting)
	}
	atomic.OrUint32(g.waiting, sleeping)
	return seq
}

// Strict says, for good, that somebody sleeps here who cannot make other processors execute a barrier. Every waker then makes
// one itself. A waker may be under way that has not seen it, so the first sleep after it should be short.
func (g Gate) Strict() { atomic.OrUint32(g.waiting, strict) }

// Sleep sleeps until the sequence is no longer seq, or the deadline comes (absolute, nanoseconds of [Now]; 0 is none), or cancel
// is set (nil: never). Signals and stray wake-ups do not end it.
//
// It returns nil when woken or cancelled: the caller looks at its condition and its cancel again, and starts over with
// [Gate.Prepare]. At the deadline it returns [os.ErrDeadlineExceeded], and other errors are those of [Wait].
func (g Gate) Sleep(seq uint32, deadline int64, cancel *Cancel) error {
	// The sleep keeps this thread's share of the scheduler (P) until the runtime notices. Who is to wake us may be a goroutine
	// that waits for it, if it is the only one. Else another P takes that goroutine, and to yield would only cost: 10 microseconds
	// where this goroutine is locked to its thread.
	if runtime.GOMAXPROCS(0) == 1 {
		runtime.Gosched()
	}
	if seam.On {
		mark(seam.WaitSleep, g.sequence)
	}
	for {
		if g.over(seq, cancel) {
			return nil
		}
		err := g.wait(seq, deadline, cancel)
		if err == nil {
			continue
		}
		if err == os.ErrDeadlineExceeded && g.over(seq, cancel) {
			return nil // both at once: the wake is worth more
		}
		return err
	}
}

func (g Gate) over(seq uint32, cancel *Cancel) bool {
	return atomic.LoadUint32(g.sequence) != seq || cancel.IsSet()
}

func (g Gate) wait(seq uint32, deadline int64, cancel *Cancel) error {
	if cancel == nil {
		return Wait(g.sequence, seq, deadline)
	}
	return WaitAny([]Word{
		{Addr: g.sequence, Old: seq},
		{Addr: &cancel.word, Old: 0, Private: true},
	}, deadline)
}

// Wake wakes all sleepers, if there may be any, and reports whether there were. Call it after the condition was made true, by a
// sequentially consistent store or as [Gate] allows. With nobody waiting it is one load.
func (g Gate) Wake() bool {
	return g.Waiting() && g.wakeSlow()
}

// Waiting reports whether there may be a sleeper: the part of Wake that is small enough for every caller to have it inlined.
func (g Gate) Waiting() bool { return atomic.LoadUint32(g.waiting) != 0 }

func (g Gate) wakeSlow() bool {
	if seam.On {
		mark(seam.WakeFlag, g.waiting)
	}
	if atomic.AndUint32(g.waiting, ^sleeping)&sleeping == 0 {
		return false // strict, and nobody sleeps
	}
	g.count()
	return true
}

// Broadcast wakes all sleepers without looking whether there are any. It is for what happens once: somebody came, or left; poison. It leaves
// the flag as it is. So a broadcaster that is killed on the way owes nobody a wake, which matters for one who is only just coming:
// no sleeper knows yet that it is to be watched. The price is one needless system call of the next waker.
func (g Gate) Broadcast() { g.count() }

func (g Gate) count() {
	if seam.On {
		mark(seam.WakeSequence, g.sequence)
	}
	atomic.AddUint32(g.sequence, 1)
	if seam.On {
		mark(seam.WakeAll, g.sequence)
	}
	// The words were just written, so they are mapped, and the kernel has nothing to complain of.
	_, _ = Wake(g.sequence, math.MaxInt32)
}
