package shmipc

import (
	"fmt"
	"math"

	shmipc "github.com/cloudwego/shmipc-go"

	"shmpipe/bench/trial"
)

const (
	prefix      = 4       // bytes of a message's length
	sliceUnit   = 64      // a slice's size is a multiple, at least two
	sliceMost   = 1 << 16 // a slice holds several messages up to that
	sliceHead   = 20      // bytes that the library puts before a slice
	replySlice  = 64      // bytes: for the receiver's replies, and for small messages, of which the library takes the smallest slice that does
	replyShare  = 1       // per cent of the memory
	memoryLeast = 1 << 20 // what the library insists on
	windowMost  = 4096    // flushes under way: half of the library's queue
)

// plan is how a job uses the library's memory. Both sides reckon it alike.
type plan struct {
	memory   int // bytes of all slices
	slice    int // bytes of one
	perSlice int // messages
	perFlush int // messages
	window   int // messages under way, one way
	reply    int // messages for which the receiver sends a byte
}

func newPlan(j trial.Job) (plan, error) {
	p := plan{memory: max(j.Capacity, memoryLeast)}
	record := prefix + j.Size
	if j.Capacity > math.MaxInt32 || record > p.memory {
		return p, tooLarge(j, p)
	}
	p.slice = (max(record, min(record*j.Batch(), sliceMost), sliceUnit+1) + sliceUnit - 1) / sliceUnit * sliceUnit
	p.perSlice = min(p.slice/record, j.Batch())

	// The library does not give out the last slice, and allocating gets unreliable when few are left.
	slices := p.memory / 100 * (100 - replyShare) / (p.slice + sliceHead)
	usable := slices - slices/8 - 2
	if usable < 1 || j.Mode == trial.RoundTrip && usable < 2 {
		return p, tooLarge(j, p)
	}
	p.perFlush = min(j.Batch(), usable*p.perSlice)
	slicesPerFlush := (p.perFlush + p.perSlice - 1) / p.perSlice
	p.window = min(usable/slicesPerFlush, windowMost) * p.perFlush
	// With as many replies under way as there can be, a whole flush must still be free.
	p.reply = max(1, min(p.window/2, p.window-p.perFlush+1))
	return p, nil
}

func tooLarge(j trial.Job, p plan) error {
	return trial.Cannot{Why: fmt.Sprintf("messages of %d bytes: shared memory of %d bytes has too few slices of that size", j.Size, p.memory)}
}

// shape gives a configuration the plan's memory.
func (p plan) shape(c *shmipc.Config) {
	c.ShareMemoryBufferCap = uint32(p.memory)
	c.BufferSliceSizes = []*shmipc.SizePercentPair{
		{Size: replySlice, Percent: replyShare},
		{Size: uint32(p.slice), Percent: 100 - replyShare},
	}
}
