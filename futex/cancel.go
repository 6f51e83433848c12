package futex

import "sync/atomic"

// Cancel ends the sleep of goroutines of this process, from another goroutine: context.AfterFunc(ctx, c.Set) for instance. Peers
// in other processes notice nothing. The zero value is ready, and one Cancel may serve any number of sleeps at once. It must not
// be copied once it is in use. All methods are safe for concurrent use, and are allowed on a nil *Cancel, which is never set.
//
// With futex_waitv a sleeper waits on this word and on the gate's together, and Set wakes it at once. Without it (Linux before
// 5.16, some sandboxes) the kernel cannot wake a sleeper through a second word: the sleeper looks at this one every 1 to 10 ms,
// so that is how late it may notice, and what an idle sleep costs there. See [HasWaitv].
type Cancel struct {
	_    noCopy
	word uint32 // 0, or 1 once set. A futex of this process; it is on the heap by the time a sleeper hands it to the kernel.
}

// Set ends every sleep that has this Cancel, now and until Reset. Setting it again does nothing.
func (c *Cancel) Set() {
	if c == nil {
		return
	}
	// Store, then wake. A sleeper that saw 0 is either in the kernel's queue, where the wake finds it, or on the way in, where
	// the kernel compares the word once more under the queue's lock and turns it back.
	if atomic.SwapUint32(&c.word, 1) == 0 {
		wakePrivate(&c.word)
	}
}

// IsSet reports whether Set was called since the last Reset.
func (c *Cancel) IsSet() bool { return c != nil && atomic.LoadUint32(&c.word) != 0 }

// Reset makes c usable again. The caller sees to it that nobody still relies on an earlier Set: a sleeper that has not looked
// yet misses it.
func (c *Cancel) Reset() {
	if c != nil {
		atomic.StoreUint32(&c.word, 0)
	}
}

// noCopy lets go vet find copies.
type noCopy struct{}

func (*noCopy) Lock()   {}
func (*noCopy) Unlock() {}
