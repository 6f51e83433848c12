package trial

import (
	"fmt"
	"time"

	"shmpipe/futex"
	"shmpipe/internal/spin"
)

// grace is how long one side may take for what should take no time, before the trial counts as hanging.
var grace = 20 * time.Second

// spinUntil returns when the word is not 0. It spins, so that both sides start together, but not for long: there may be one CPU.
func (p page) spinUntil(word int, what string) error {
	w := p.word(word)
	deadline := time.Now().Add(grace)
	for looks := 0; w.Load() == 0; looks++ {
		spin.Pause(16)
		if looks%64 == 63 {
			futex.Yield()
		}
		if looks > 20_000 {
			time.Sleep(50 * time.Microsecond)
			if time.Now().After(deadline) {
				return fmt.Errorf("%s: nothing for %v", what, grace)
			}
		}
	}
	return nil
}

// sleepUntil returns when the word is not 0. It is for what takes longer, and leaves the processor to others.
func (p page) sleepUntil(word int, limit time.Duration, what string) error {
	deadline := time.Now().Add(limit)
	for w := p.word(word); w.Load() == 0; time.Sleep(time.Millisecond) {
		if limit > 0 && time.Now().After(deadline) {
			return fmt.Errorf("%s: nothing for %v", what, limit)
		}
	}
	return nil
}
