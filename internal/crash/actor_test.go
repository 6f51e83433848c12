//go:build seam && linux

package crash_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
	"unsafe"

	"shmpipe"
	"shmpipe/futex"
	"shmpipe/internal/crash"
	"shmpipe/internal/seam"
	"shmpipe/internal/shmtest"
)

// The rings of the matrix are as small as they can be, so that whatever is stuck blocks everybody within a lap.
const (
	capacity     = 4096
	granule      = 256
	shortMessage = 200
	longMessage  = 900
)

// geometry is that of a ring where so many survivors' endpoints take part.
func geometry(m shmpipe.Mode, script string, endpoints int) shmpipe.Geometry {
	g := shmpipe.Geometry{Mode: m, Capacity: capacity}
	if m == shmpipe.MPMC {
		g.Granule, g.Participants = granule, 16
		if script == playCrowded {
			g.Participants = endpoints + crowdedPlaces
		}
	}
	return g
}

// onRing is how many bytes of a ring a message takes.
func onRing(m shmpipe.Mode, n int) uint64 {
	unit := uint64(8)
	if m == shmpipe.MPMC {
		unit = granule
	}
	return (uint64(n) + 8 + unit - 1) / unit * unit
}

// actor is somebody who sends or receives in a case, in all ways that there are, and keeps the ledger.
type actor struct {
	board
	order
	sender uint16
	random *rand.Rand
	pipe   *shmpipe.Pipe
	buf    []byte
	reader *crash.Reader
	giveUp context.Context // ends when it is to leave
}

// newActor opens the ring.
func newActor(b board, o order, sender uint16) (*actor, error) {
	p, err := shmpipe.Open(o.name, &shmpipe.Options{Wait: o.wait, Follow: true})
	if err != nil {
		return nil, err
	}
	return &actor{board: b, order: o, sender: sender, random: shmtest.NewRand(o.seed), pipe: p, buf: make([]byte, 4096),
		reader: b.ledger.NewReader(), giveUp: context.Background()}, nil
}

// alike is an actor for another goroutine.
func (a *actor) alike() *actor {
	b := *a
	b.random, b.buf = shmtest.NewRand(a.seed+1), make([]byte, 4096)
	return &b
}

// until has everything that waits end when the board's stop word says so.
func (a *actor) until(stop uint64) (cancel func()) {
	ctx, cancel := context.WithCancel(context.Background())
	a.giveUp = ctx
	go func() {
		for ctx.Err() == nil {
			if a.At(wStop).Load() >= stop {
				cancel()
			}
			time.Sleep(2 * time.Millisecond)
		}
	}()
	return cancel
}

// message makes a message of up to most bytes.
func (a *actor) message(buf []byte, m crash.Message, most int) []byte {
	buf, m.Sender = buf[:crash.MinMessage+a.random.IntN(most-crash.MinMessage)], a.sender
	crash.Encode(buf, m)
	return buf
}

var errBoardFull = errors.New("the board is full")

// send does one thing that a producer can do. After the death, it is sure to be a message in a frame of its own.
func (a *actor) send(p *shmpipe.Producer) error {
	began := futex.Now()
	ways := 7
	if a.is(wDied) {
		ways = 3
	}
	switch way := a.random.IntN(ways); way {
	case 0, 1, 2, 3:
		seq, ok := a.ledger.Begin(a.sender, 1)
		if !ok {
			return errBoardFull
		}
		msg := a.message(a.buf, crash.Message{Seq: seq, Began: began}, []int{shortMessage, longMessage}[a.random.IntN(2)])
		if err := a.sendOne(p, msg, way); err != nil {
			return err
		}
		a.ledger.Sent(a.sender, seq, 1)
	case 4, 5:
		n := uint64(2 + a.random.IntN(3))
		seq, ok := a.ledger.Begin(a.sender, n)
		if !ok {
			return errBoardFull
		}
		msgs := make([][]byte, n)
		for i := range msgs {
			msgs[i] = a.message(a.buf[1024*i:], crash.Message{Seq: seq + uint64(i), Began: began, Batch: true}, shortMessage)
		}
		sent, err := p.SendBatch(a.giveUp, msgs)
		a.ledger.Sent(a.sender, seq, uint64(sent))
		return err
	case 6: // what is aborted must never arrive: its sender is nobody
		c, err := p.Claim(a.giveUp, crash.MinMessage+a.random.IntN(longMessage))
		if err != nil {
			return err
		}
		crash.Encode(c.Bytes(), crash.Message{Sender: senders})
		c.Abort()
	}
	return nil
}

// sendOne sends a message in one of several ways.
func (a *actor) sendOne(p *shmpipe.Producer, msg []byte, way int) error {
	if way == 0 {
		c, err := p.Claim(a.giveUp, len(msg))
		if err != nil {
			return err
		}
		copy(c.Bytes(), msg)
		return c.Commit(len(msg))
	}
	return p.Send(a.giveUp, msg)
}

// note keeps the ledger of what was delivered. What is wrong stands there; the case goes on. Who is killed with a message in hand
// has not looked at it, as far as the ledger knows.
func (a *actor) note(msg []byte, flagged bool) {
	seam.At(seam.TakePayload, unsafe.Pointer(unsafe.SliceData(msg)))
	if m, ok := a.reader.Got(msg, flagged); ok {
		a.passed(m, onRing(a.mode, len(msg)), capacity)
	}
}

// receive does one thing that a consumer can do.
func (a *actor) receive(c *shmpipe.Consumer) error {
	switch a.random.IntN(3) {
	case 0:
		n, err := c.Receive(a.giveUp, a.buf)
		if err != nil {
			return err
		}
		a.note(a.buf[:n], c.Redelivered())
	case 1:
		m, err := c.Next(a.giveUp)
		if err != nil {
			return err
		}
		a.note(m.Bytes(), m.Redelivered())
		m.Release()
	case 2:
		_, err := c.Poll(a.giveUp, 5, func(msg []byte) error {
			a.note(msg, c.Redelivered())
			return nil
		})
		return err
	}
	return nil
}

// closeHolding closes a consumer that has a message in hand: in MPMC mode another one gets it.
func (a *actor) closeHolding(c *shmpipe.Consumer) error {
	m, err := c.Next(a.giveUp)
	if err != nil {
		return errors.Join(err, c.Close())
	}
	a.note(m.Bytes(), m.Redelivered())
	err = c.Close()
	m.Release()
	return err
}

// rest pauses now and then, so that rings run full and empty and others sleep. Nobody pauses after the death.
func (a *actor) rest() {
	if a.random.IntN(8) == 0 && !a.is(wDied) {
		time.Sleep(time.Duration(a.random.IntN(200)) * time.Microsecond)
	}
}

// ended reports whether an error is the order to leave.
func ended(err error) bool { return errors.Is(err, context.Canceled) }
