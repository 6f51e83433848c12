//go:build seam && linux

package crash_test

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func init() { roles["survivor"] = roleSurvivor }

// What a survivor plays.
const (
	playProducer = "producer"
	playConsumer = "consumer"
	playBoth     = "both" // each on a goroutine of its own
	playHeir     = "heir" // SPSC: the other end than the victim's, and after its death both
)

// roleSurvivor takes part in one case after the other.
func roleSurvivor(args []string) error {
	b, err := openBoard(args[0])
	if err != nil {
		return err
	}
	index, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	for {
		o, err := parseOrder(shmtest.Hear())
		if err != nil {
			return err
		}
		a, err := newActor(b, o, uint16(senderSurvivor+index))
		if err != nil {
			return err
		}
		if err := a.survive(); err != nil {
			return err
		}
		shmtest.Say("left")
	}
}

// survive attaches, waits for the start, and sends and receives until it is to leave.
func (a *actor) survive() (err error) {
	var p *shmpipe.Producer
	var c *shmpipe.Consumer
	sends := a.script == playProducer || a.script == playBoth || a.script == playHeir+"-of-"+playConsumer
	receives := a.script == playConsumer || a.script == playBoth || a.script == playHeir+"-of-"+playProducer
	if sends {
		p, err = a.pipe.Producer()
	}
	if receives && err == nil {
		c, err = a.pipe.Consumer()
	}
	if err != nil {
		return err
	}
	shmtest.Say("joined")
	for !a.is(wGo) && !a.is(wDied) {
		time.Sleep(20 * time.Microsecond)
	}
	results := make(chan error, 2)
	go func() { results <- a.keepSending(p) }()
	go func() { results <- a.alike().keepReceiving(c) }()
	return errors.Join(<-results, <-results, a.pipe.Close())
}

// inherit waits until it is to take the victim's end: in SPSC after its death, in MPMC never. It reports whether it is.
func (a *actor) inherit() bool {
	if !strings.HasPrefix(a.script, playHeir) {
		return false
	}
	for !a.is(wDied) {
		if a.is(wStop) {
			return false
		}
		time.Sleep(20 * time.Microsecond)
	}
	return true
}

// takeOver takes an end as soon as the dead one's lease is free.
func takeOver[T any](a *actor, take func() (T, error)) (v T, err error) {
	for {
		if v, err = take(); !errors.Is(err, shmpipe.ErrBusy) || a.is(wStop) {
			return v, err
		}
		time.Sleep(20 * time.Microsecond)
	}
}

// keepSending sends until producers are to leave. Without a producer, it is the heir of one, or there is nothing to do.
func (a *actor) keepSending(p *shmpipe.Producer) (err error) {
	if p == nil {
		if !a.inherit() {
			return nil
		}
		if p, err = takeOver(a, a.pipe.Producer); err != nil {
			return err
		}
	}
	defer a.At(wLeft).Add(1)
	defer a.until(1)()
	for !a.is(wStop) {
		if err := a.send(p); err != nil && !ended(err) {
			return errors.Join(err, p.Close())
		}
		a.rest()
	}
	return p.Close()
}

// keepReceiving receives until consumers are to leave. Before the death, it closes with a message in hand now and then.
func (a *actor) keepReceiving(c *shmpipe.Consumer) (err error) {
	if c == nil {
		if !a.inherit() {
			return nil
		}
		if c, err = takeOver(a, a.pipe.Consumer); err != nil {
			return err
		}
	}
	defer a.until(2)()
	for {
		err := a.receive(c)
		if ended(err) {
			return c.Close()
		}
		if err != nil {
			return errors.Join(err, c.Close())
		}
		a.rest()
		if a.mode == shmpipe.MPMC && a.random.IntN(50) == 0 && !a.is(wDied) {
			if err := a.closeHolding(c); err != nil && !ended(err) {
				return err
			}
			if c, err = a.pipe.Consumer(); err != nil {
				return err
			}
		}
	}
}
