package host

import (
	"cmp"
	"fmt"
	"runtime"
	"slices"
	"sync/atomic"
	"time"
)

// flags are two words that two threads hand to each other, a line each: twice as far apart as lines are long, since some processors fetch them in
// pairs.
type flags struct {
	_     [128]byte
	there atomic.Uint64
	_     [128]byte
	back  atomic.Uint64
	_     [128]byte
}

// MeasureFloor is the raw round trip of a cache line between the first two allowed CPUs now, in nanoseconds: the median of batches of 1,000. Two
// threads of this process will do: what a line costs does not depend on who owns the memory.
func MeasureFloor() (ns float64, err error) {
	const warm, batches, perBatch, patience = 4, 11, 1000, time.Second
	if n := len(Allowed()); n < 2 {
		return 0, fmt.Errorf("%d CPUs are allowed, want 2", n)
	}
	if n := runtime.GOMAXPROCS(0); n < 2 { // two that spin would take turns
		return 0, fmt.Errorf("GOMAXPROCS is %d, want 2 or more", n)
	}
	var f flags
	var stop atomic.Bool
	pinned := make(chan error, 2)
	answered := make(chan struct{})
	go func() { // both goroutines keep their threads, which end with them: nobody else finds himself pinned
		defer close(answered)
		runtime.LockOSThread()
		pinned <- Pin(1)
		for i := uint64(1); ; i++ {
			for f.there.Load() != i {
				if stop.Load() {
					return
				}
			}
			f.back.Store(i)
		}
	}()
	var took []float64
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		defer stop.Store(true)
		runtime.LockOSThread()
		pinned <- Pin(0)
		start := time.Now()
		for i := uint64(0); len(took) <= warm || len(took) < warm+batches && time.Since(start) < patience; {
			begin := time.Now()
			for end := i + perBatch; i < end; {
				i++
				f.there.Store(i)
				for f.back.Load() != i {
				}
			}
			took = append(took, float64(time.Since(begin))/perBatch)
		}
	}()
	<-asked
	<-answered
	if err := cmp.Or(<-pinned, <-pinned); err != nil {
		return 0, err
	}
	took = took[warm:] // in the first ones the threads are on their way
	slices.Sort(took)
	return took[len(took)/2], nil
}
