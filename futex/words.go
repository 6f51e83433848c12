package futex

import "shmpipe/internal/spin"

// MaxWords is how many words [WaitAny] waits on at once.
const MaxWords = 128

// Word is one word to wait on: the wait ends when *Addr is not Old.
type Word struct {
	Addr    *uint32
	Old     uint32
	Private bool // used by this process only, which spares the kernel a page-table walk. Who wakes must agree.
}

// Pause burns a little time in a spin loop without a system call: n times the processor's PAUSE (amd64) or ISB (arm64). The
// time that one takes depends on the processor, 3 to 50 ns. n == 0 returns at once. Keep n below some hundreds: it delays a
// garbage collection.
func Pause(n uint32) { spin.Pause(n) }
