//go:build linux

package soak_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"shmpipe"
	"shmpipe/futex"
	"shmpipe/internal/crash"
	"shmpipe/internal/shmtest"
)

// order is what a worker is told, in one line. A process waits for it, so that a successor is there at once.
type order struct {
	backend shmpipe.Backend
	name    string // of the segment; "-" if it comes as a descriptor
	board   string
	senders int
	each    int
	worker  int // its place on the board
	sends   bool
	sender  int
	most    int // bytes of a message
	seed    uint64
}

const orderLine = "%d %s %s %d %d %d %t %d %d %d"

func (o order) String() string {
	return fmt.Sprintf(orderLine, o.backend, o.name, o.board, o.senders, o.each, o.worker, o.sends, o.sender, o.most, o.seed)
}

func parseOrder(line string) (o order, err error) {
	_, err = fmt.Sscanf(line, orderLine, &o.backend, &o.name, &o.board, &o.senders, &o.each, &o.worker, &o.sends, &o.sender, &o.most, &o.seed)
	return o, err
}

// worker is a producer or a consumer until it is killed, or told to leave.
type worker struct {
	order
	board
	random *rand.Rand
	pipe   *shmpipe.Pipe
	buf    []byte
	reader *crash.Reader
	ctx    context.Context // ends when it is to leave
}

func roleWorker([]string) error {
	o, err := parseOrder(shmtest.Hear())
	if err != nil {
		return err
	}
	b, err := shmtest.OpenBoard(o.board)
	if err != nil {
		return err
	}
	w := &worker{order: o, board: newBoard(b, o.senders, o.each), random: shmtest.NewRand(o.seed), buf: make([]byte, 64<<10)}
	w.reader = w.ledger.NewReader()
	opts := &shmpipe.Options{Backend: o.backend, Follow: true, Wait: []shmpipe.WaitStrategy{shmpipe.WaitAdaptive, shmpipe.WaitBlock}[w.random.IntN(2)]}
	if o.name == "-" {
		w.pipe, err = shmpipe.OpenFile(os.NewFile(3, "segment"), opts)
	} else {
		w.pipe, err = shmpipe.Open(o.name, opts)
	}
	if err != nil {
		return err
	}
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	leave := uint64(2)
	if o.sends {
		leave = 1
	}
	go func() {
		for w.At(wStop).Load() < leave {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	for err == nil && w.ctx.Err() == nil {
		if o.sends {
			err = w.sendForAWhile()
		} else {
			err = w.receiveForAWhile()
		}
	}
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, w.pipe.Close())
}

// wait calls a method that may wait, and says so on the board.
func (w *worker) wait(method func() error) error {
	w.At(wWaiting + w.worker).Store(uint64(futex.Now()))
	err := method()
	w.At(wWaiting + w.worker).Store(0)
	w.At(wCalls + w.worker).Add(1)
	return err
}

func (w *worker) attached(is uint64) { w.At(wAttached + w.worker).Store(is) }

// rest pauses now and then.
func (w *worker) rest() {
	if w.random.IntN(50) == 0 {
		time.Sleep(time.Duration(w.random.IntN(2000)) * time.Microsecond)
	}
}

// dawdle keeps a claim or a message in hand for a moment now and then, long enough to be killed meanwhile.
func (w *worker) dawdle() {
	if w.random.IntN(30) == 0 {
		time.Sleep(time.Duration(w.random.IntN(500)) * time.Microsecond)
	}
}

func (w *worker) sendForAWhile() error {
	p, err := w.pipe.Producer()
	if err != nil {
		return err
	}
	w.attached(1)
	for range w.random.IntN(3000) {
		if err = w.send(p); err != nil {
			break
		}
		w.rest()
	}
	w.attached(0)
	return errors.Join(err, p.Close())
}

var errFull = errors.New("the board is full; take a larger one")

// message makes a message of a random length, mostly short.
func (w *worker) message(buf []byte, seq uint64, batch bool) []byte {
	most := w.most
	if w.random.IntN(4) > 0 {
		most = min(200, most)
	}
	buf = buf[:crash.MinMessage+w.random.IntN(most-crash.MinMessage+1)]
	crash.Encode(buf, crash.Message{Sender: uint16(w.sender), Seq: seq, Batch: batch})
	return buf
}

// send sends in one of all the ways.
func (w *worker) send(p *shmpipe.Producer) error {
	n := uint64(1)
	way := w.random.IntN(10)
	if way == 0 {
		n = 1 + w.random.Uint64N(6)
	}
	switch {
	case w.random.IntN(300) == 0:
		return w.wait(func() error { return p.Drain(w.ctx) })
	case way == 1:
		return w.abort(p)
	}
	seq, ok := w.ledger.Begin(uint16(w.sender), n)
	if !ok {
		return errFull
	}
	msg := w.message(w.buf, seq, way == 0)
	err := w.wait(func() (err error) {
		switch way {
		case 0: // a batch
			msgs := [][]byte{msg}
			for i := uint64(1); i < n; i++ {
				msgs = append(msgs, w.message(w.buf[8192*i:], seq+i, true))
			}
			var sent int
			sent, err = p.SendBatch(w.ctx, msgs)
			n = uint64(sent)
		case 2, 3: // in place, and shorter than was claimed
			var c shmpipe.Claim
			if c, err = p.Claim(w.ctx, min(len(msg)+w.random.IntN(50), w.most)); err == nil {
				w.dawdle()
				err = c.Commit(copy(c.Bytes(), msg))
			}
		case 4:
			if err = p.TrySend(msg); err == shmpipe.ErrFull {
				err, n = nil, 0
			}
		default:
			err = p.Send(w.ctx, msg)
		}
		return err
	})
	if err == nil || way == 0 {
		w.ledger.Sent(uint16(w.sender), seq, n)
	}
	return err
}

// abort claims and gives up. What was written must never arrive: its sender is nobody.
func (w *worker) abort(p *shmpipe.Producer) error {
	return w.wait(func() error {
		c, err := p.Claim(w.ctx, crash.MinMessage+w.random.IntN(w.most-crash.MinMessage))
		if err != nil {
			return err
		}
		crash.Encode(c.Bytes(), crash.Message{Sender: 1<<16 - 1})
		w.dawdle()
		c.Abort()
		return nil
	})
}

func (w *worker) receiveForAWhile() error {
	c, err := w.pipe.Consumer()
	if err != nil {
		return err
	}
	w.attached(1)
	for range w.random.IntN(3000) {
		if err = w.receive(c); err != nil {
			break
		}
		w.rest()
	}
	var m shmpipe.Message
	if err == nil && w.random.IntN(2) == 0 { // close with a message in hand: in MPMC mode, another one gets it
		if m, err = c.TryNext(); err == nil {
			w.reader.Got(m.Bytes(), m.Redelivered())
		} else if err == shmpipe.ErrEmpty {
			err = nil
		}
	}
	w.attached(0)
	err = errors.Join(err, c.Close())
	m.Release()
	return err
}

// receive receives in one of all the ways. Each message goes to the ledger before it is finished; what is wrong stands there.
func (w *worker) receive(c *shmpipe.Consumer) error {
	return w.wait(func() error {
		switch w.random.IntN(6) {
		case 0:
			n, err := c.Receive(w.ctx, w.buf)
			if err == nil {
				w.reader.Got(w.buf[:n], c.Redelivered())
			}
			return err
		case 1:
			n, err := c.TryReceive(w.buf)
			if err == nil {
				w.reader.Got(w.buf[:n], c.Redelivered())
			} else if err == shmpipe.ErrEmpty {
				err = nil
			}
			return err
		case 2, 3:
			m, err := c.Next(w.ctx)
			if err != nil {
				return err
			}
			w.dawdle()
			w.reader.Got(m.Bytes(), m.Redelivered())
			w.dawdle()
			m.Release()
			return nil
		default:
			_, err := c.Poll(w.ctx, 1+w.random.IntN(20), func(msg []byte) error {
				w.dawdle()
				w.reader.Got(msg, c.Redelivered())
				return nil
			})
			return err
		}
	})
}
