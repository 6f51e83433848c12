//go:build seam && linux

package crash_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"shmpipe"
	"shmpipe/futex"
	"shmpipe/internal/crash"
	"shmpipe/internal/fence"
	"shmpipe/internal/seam"
	"shmpipe/internal/shmtest"
)

func init() { roles["victim"] = roleVictim }

// What a victim plays. Those that recover find three dead participants: one had claimed, one had a message in hand, one was skipping.
const (
	playWreck   = "wreck"    // dies as those three
	playAttach  = "attacher" // recovers because it attaches
	playBlocked = "blocked"  // recovers because the ring is full
	playCrowded = "crowded"  // recovers because it attaches, and takes the last places of a full table

	crowdedPlaces = 3 // of those who died in the wreck
)

// scripts are what victims play in a mode, but for the wreck.
func scripts(m shmpipe.Mode) []string {
	if m == shmpipe.MPMC {
		return []string{playProducer, playConsumer, playAttach, playBlocked, playCrowded}
	}
	return []string{playProducer, playConsumer}
}

// recovers reports whether the script needs a wreck.
func recovers(script string) bool {
	return script == playAttach || script == playBlocked || script == playCrowded
}

// settle waits until the kernel has registered this process for barriers. It does that for ten to twenty milliseconds in which the
// process cannot die: who is killed then keeps its lease until it is over. Random kills of such are the soak's business.
func settle() {
	fence.Prepare()
	for end := time.Now().Add(time.Second); !fence.Settled() && time.Now().Before(end); time.Sleep(time.Millisecond) {
	}
}

// roleVictim plays once.
func roleVictim(args []string) error {
	b, err := openBoard(args[0])
	if err != nil {
		return err
	}
	o, err := parseOrder(shmtest.Hear())
	if err != nil {
		return err
	}
	settle()
	sender := uint16(senderVictim)
	if o.script == playWreck {
		sender = senderWreck
	} else {
		seam.Hook = b.deathAt(o.die, o.nth)
		mortal.Store(o.script != playBlocked)
	}
	a, err := newActor(b, o, sender)
	if err != nil {
		return err
	}
	defer a.until(1)()
	switch o.script {
	case playProducer:
		err = a.comeAndGoSending()
	case playConsumer:
		err = a.comeAndGoReceiving()
	case playWreck:
		err = a.wreck()
	case playAttach:
		if a.random.IntN(2) == 0 {
			err = a.comeAndGoSending()
		} else {
			err = a.comeAndGoReceiving()
		}
	case playBlocked:
		err = a.fill()
	case playCrowded:
		err = a.crowd()
	default:
		err = fmt.Errorf("script %q is unknown", o.script)
	}
	if ended(err) {
		err = nil
	}
	return errors.Join(err, a.pipe.Close())
}

// mortal is set when the victim's part begins.
var mortal atomic.Bool

// deathAt counts on the board how often each site is reached, and kills this process at the nth arrival at one of them.
func (b board) deathAt(where seam.Site, nth uint64) func(seam.Site, unsafe.Pointer) {
	return func(s seam.Site, _ unsafe.Pointer) {
		if !mortal.Load() {
			return
		}
		if n := b.At(wCensus + int(s)).Add(1); s == where && n == nth && b.At(wFate).CompareAndSwap(0, 1) {
			b.At(wDied).Store(uint64(futex.Now()))
			die()
		}
	}
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until it arrives
}

// comeAndGoSending attaches, sends for a while and closes, again and again, sometimes with a claim in hand.
func (a *actor) comeAndGoSending() error {
	for a.giveUp.Err() == nil {
		p, err := a.pipe.Producer()
		if err != nil {
			return err
		}
		for range a.random.IntN(40) {
			if err := a.send(p); err != nil {
				return errors.Join(err, p.Close())
			}
		}
		if a.random.IntN(4) == 0 {
			c, err := p.Claim(a.giveUp, longMessage)
			if err != nil {
				return errors.Join(err, p.Close())
			}
			if err := p.Close(); err != nil {
				return err
			}
			c.Abort()
		}
		if err := p.Close(); err != nil {
			return err
		}
	}
	return nil
}

// comeAndGoReceiving attaches, receives for a while and closes, again and again, sometimes with a message in hand.
func (a *actor) comeAndGoReceiving() error {
	for a.giveUp.Err() == nil {
		c, err := a.pipe.Consumer()
		if err != nil {
			return err
		}
		for range a.random.IntN(40) {
			if err := a.receive(c); err != nil {
				return errors.Join(err, c.Close())
			}
		}
		if a.random.IntN(2) == 0 {
			err = a.closeHolding(c)
		} else {
			err = c.Close()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fill attaches, and sends as soon as it is told to, until it has recovered what is in the way, and further.
func (a *actor) fill() error {
	p, err := a.pipe.Producer()
	if err != nil {
		return err
	}
	shmtest.Say("attached")
	shmtest.Hear()
	mortal.Store(true)
	for {
		if err := a.send(p); err != nil {
			return errors.Join(err, p.Close())
		}
	}
}

// crowd takes the places of those who died in the wreck, which are the last: with the wrong role, once those of the right one have gone.
func (a *actor) crowd() (err error) {
	var ends []io.Closer
	defer func() {
		for _, e := range ends {
			err = errors.Join(err, e.Close())
		}
	}()
	sends := a.random.IntN(2) == 0
	for range crowdedPlaces {
		var e io.Closer
		if sends {
			e, err = a.pipe.Producer()
		} else {
			e, err = a.pipe.Consumer()
		}
		if err != nil {
			return err
		}
		ends = append(ends, e)
	}
	return nil
}

// wreck dies as three participants at once.
func (a *actor) wreck() error {
	p, err := a.pipe.Producer()
	if err != nil {
		return err
	}
	holds, err := a.pipe.Consumer()
	if err != nil {
		return err
	}
	skips, err := a.pipe.Consumer()
	if err != nil {
		return err
	}
	for range a.random.IntN(30) { // so that it happens anywhere in the ring
		if err := a.sendUpTo(p, longMessage); err != nil {
			return err
		}
		m, err := holds.Next(a.giveUp)
		if err != nil {
			return err
		}
		a.note(m.Bytes(), m.Redelivered())
		m.Release()
	}
	if err := a.sendUpTo(p, longMessage/2); err != nil {
		return err
	}
	aborted, err := p.Claim(a.giveUp, longMessage)
	if err != nil {
		return err
	}
	aborted.Abort()
	if _, err := p.Claim(a.giveUp, longMessage); err != nil {
		return err
	}
	if _, err := holds.Next(a.giveUp); err != nil {
		return err
	}
	skipping := false
	seam.Hook = func(s seam.Site, _ unsafe.Pointer) {
		skipping = skipping || s == seam.SkipWord
		if skipping && s == seam.ReleaseInner {
			die()
		}
	}
	_, err = skips.TryNext()
	time.Sleep(shmtest.Patience) // never reached: there is a frame to skip, of several granules
	return err
}

// sendUpTo sends a message of up to n bytes.
func (a *actor) sendUpTo(p *shmpipe.Producer, n int) error {
	seq, ok := a.ledger.Begin(a.sender, 1)
	if !ok {
		return errBoardFull
	}
	msg := a.message(a.buf, crash.Message{Seq: seq, Began: futex.Now()}, n)
	if err := p.Send(a.giveUp, msg); err != nil {
		return err
	}
	a.ledger.Sent(a.sender, seq, 1)
	return nil
}
