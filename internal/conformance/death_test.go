package conformance

import (
	"context"
	"errors"
	"io"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

var roles = map[string]shmtest.Role{"send": roleSend, "receive": roleReceive, "hold": roleHold}

func openHere(args []string) (*shmpipe.Pipe, error) {
	b, err := shmpipe.ParseBackend(args[0])
	if err != nil {
		return nil, err
	}
	return shmpipe.Open(args[1], &shmpipe.Options{Backend: b})
}

// roleSend sends the numbers from args[2] to args[3], and then waits to be told to close.
func roleSend(args []string) error {
	pipe, err := openHere(args)
	if err != nil {
		return err
	}
	p, err := pipe.Producer()
	if err != nil {
		return err
	}
	from, _ := strconv.Atoi(args[2])
	to, _ := strconv.Atoi(args[3])
	for i := from; i < to; i++ {
		if err := p.Send(context.Background(), []byte(strconv.Itoa(i))); err != nil {
			return err
		}
	}
	shmtest.Say("sent")
	shmtest.Hear()
	return p.Close()
}

// roleReceive receives args[2] messages, says each, and waits.
func roleReceive(args []string) error {
	pipe, err := openHere(args)
	if err != nil {
		return err
	}
	c, err := pipe.Consumer()
	if err != nil {
		return err
	}
	n, _ := strconv.Atoi(args[2])
	buf := make([]byte, maxMessage)
	for range n {
		k, err := c.Receive(context.Background(), buf)
		if err != nil {
			return err
		}
		shmtest.Say("%s", buf[:k])
	}
	shmtest.Say("waiting")
	shmtest.Hear()
	return c.Close()
}

// roleHold takes a role and holds it.
func roleHold(args []string) error {
	pipe, err := openHere(args)
	if err != nil {
		return err
	}
	if args[2] == "producer" {
		_, err = pipe.Producer()
	} else {
		_, err = pipe.Consumer()
	}
	if err == nil {
		shmtest.Say("held")
		shmtest.Hear()
	}
	return err
}

func (s subject) child(t *testing.T, role, name string, args ...string) *shmtest.Process {
	t.Helper()
	return shmtest.Child(t, role, append([]string{s.backend.String(), name}, args...)...)
}

func TestAProducersDeath_IsToldBehindItsLastMessage(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, name := s.pipe(t, shmpipe.Options{})
		c := consumer(t, pipe)
		child := s.child(t, "send", name, "0", "3")
		child.Expect("sent")
		asleep := make(chan error, 1)
		expect(t, c, "0", "1")
		child.Kill()
		expect(t, c, "2")
		go func() {
			_, err := c.Receive(soon(t), nil)
			asleep <- err
		}()
		require.Equal(t, shmpipe.ErrPeerDied, <-asleep)

		next := s.child(t, "send", name, "3", "5") // the successor goes on
		next.Expect("sent")
		expect(t, c, "3", "4")
		next.Tell("close")
		next.Wait()
		_, err := c.Receive(soon(t), nil)
		if s.mode == shmpipe.SPSC {
			require.Equal(t, io.EOF, err)
		} else { // of those who came, one died
			require.True(t, err == io.EOF || err == shmpipe.ErrPeerDied, "got %v", err)
		}
	})
}

func TestAProducersDeath_WakesWhoSleeps(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, name := s.pipe(t, shmpipe.Options{})
		c := consumer(t, pipe)
		child := s.child(t, "hold", name, "producer")
		child.Expect("held")
		done := make(chan error, 1)
		go func() {
			_, err := c.Receive(soon(t), nil)
			done <- err
		}()
		time.Sleep(moment)
		child.Kill()
		require.Equal(t, shmpipe.ErrPeerDied, <-done)
	})
}

func TestAConsumersDeath_IsToldWhoWaitsForSpace(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, name := s.pipe(t, shmpipe.Options{})
		p := producer(t, pipe)
		child := s.child(t, "hold", name, "consumer")
		child.Expect("held")
		sent := fill(t, p)
		done := make(chan error, 1)
		go func() { done <- p.Send(soon(t), make([]byte, 1000)) }()
		time.Sleep(moment)
		child.Kill()
		require.Equal(t, shmpipe.ErrPeerDied, <-done)
		expect(t, consumer(t, pipe), sent...)
		require.NoError(t, p.TrySend([]byte("the successor is there")))
	})
}

func TestAConsumersSuccessor_GoesOnWhereItWas(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, name := s.pipe(t, shmpipe.Options{})
		p := producer(t, pipe)
		send(t, p, "0", "1", "2", "3")
		child := s.child(t, "receive", name, "2")
		child.Expect("0")
		child.Expect("1")
		child.Expect("waiting")
		child.Kill()
		c := consumer(t, pipe)
		m, err := c.Next(soon(t))
		require.NoError(t, err)
		if s.atMostOnce {
			require.Equal(t, "2", string(m.Bytes()))
			require.False(t, m.Redelivered())
		} else {
			require.Equal(t, "1", string(m.Bytes()))
			require.True(t, m.Redelivered())
			expect(t, c, "2")
		}
		expect(t, c, "3")
	})
}

func TestAStoppedPeer_IsAlive(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, name := s.pipe(t, shmpipe.Options{})
		c := consumer(t, pipe)
		child := s.child(t, "hold", name, "producer")
		child.Expect("held")
		child.Stop()
		short, cancel := context.WithTimeout(context.Background(), 10*moment)
		defer cancel()
		_, err := c.Receive(short, nil)
		require.Equal(t, context.DeadlineExceeded, err)
		if s.mode == shmpipe.SPSC {
			_, err = pipe.Producer()
			require.ErrorIs(t, err, shmpipe.ErrBusy)
		}
		child.Signal(syscall.SIGCONT)
		child.Kill()
		_, err = c.Receive(soon(t), nil)
		require.Equal(t, shmpipe.ErrPeerDied, err)
	})
}

func TestRoles_OneEachInSPSC_ManyInMPMC(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, _ := s.pipe(t, shmpipe.Options{})
		p, c := producer(t, pipe), consumer(t, pipe)
		second, err := pipe.Producer()
		if s.mode == shmpipe.SPSC {
			require.ErrorIs(t, err, shmpipe.ErrBusy)
			_, err = pipe.Consumer()
			require.ErrorIs(t, err, shmpipe.ErrBusy)
			require.NoError(t, p.Close())
			require.NoError(t, c.Close())
			producer(t, pipe)
			consumer(t, pipe)
			return
		}
		require.NoError(t, err)
		require.NoError(t, second.Close())
	})
}

func TestManyProducersAndConsumers_EachMessageOnce(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		if s.mode == shmpipe.SPSC {
			t.Skip("one each")
		}
		const producers, consumers, n = 3, 3, 200
		pipe, name := s.pipeOf(t, shmpipe.Geometry{Capacity: 64 << 10, MaxMessage: 30_000}, shmpipe.Options{})
		opts := shmpipe.Options{Producers: producers}
		got := make(chan [2]int, producers*n)
		errs := make(chan error, producers+consumers)
		for range consumers {
			c := consumer(t, s.open(t, name, opts))
			go func() {
				last := map[int]int{}
				for msg, err := range c.Messages(soon(t)) {
					if err != nil {
						errs <- err
						return
					}
					who, number := int(msg[0]), int(msg[1])
					if string(msg) != string(message(who, number)) {
						errs <- errors.New("torn")
						return
					}
					if before, seen := last[who]; seen && number <= before {
						errs <- errors.New("out of order")
						return
					}
					last[who] = number
					got <- [2]int{who, number}
				}
				errs <- nil
			}()
		}
		for who := range producers {
			p := producer(t, pipe)
			go func() {
				for number := range n {
					if err := p.Send(soon(t), message(who, number)); err != nil {
						errs <- err
						return
					}
				}
				errs <- p.Close()
			}()
		}
		for range producers + consumers {
			require.NoError(t, <-errs)
		}
		close(got)
		seen := map[[2]int]int{}
		for g := range got {
			seen[g]++
		}
		require.Len(t, seen, producers*n)
		for g, times := range seen {
			require.Equal(t, 1, times, "%v", g)
		}
	})
}

// message is what a producer sends as its number-th: some are longer than a queue's messages.
func message(who, number int) []byte {
	size := 2 + number%50
	if number%20 == 0 {
		size = 9000 + number*100
	}
	b := pattern(size, who*1000+number)
	b[0], b[1] = byte(who), byte(number)
	return b
}

// A producer died and its place is the only one that is free. A consumer that takes it must not make the death an orderly end, for anybody,
// until a producer comes.
func TestAProducersDeath_IsToldThoughAConsumerTookItsPlace(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		if s.mode == shmpipe.SPSC {
			t.Skip("each role has a place of its own")
		}
		pipe, name := s.pipeOf(t, shmpipe.Geometry{Capacity: 16 << 10, MaxMessage: maxMessage, Participants: 2}, shmpipe.Options{})
		first := consumer(t, pipe)
		child := s.child(t, "send", name, "0", "3")
		child.Expect("sent")
		child.Kill()
		second := consumer(t, s.open(t, name, shmpipe.Options{}))
		_, err := pipe.Consumer()
		require.ErrorIs(t, err, shmpipe.ErrTooManyParticipants)
		require.ErrorContains(t, err, "all 2 places")
		require.ErrorContains(t, err, "wait until somebody leaves, or make the")
		expect(t, second, "0", "1", "2")
		for range 2 {
			for _, c := range []*shmpipe.Consumer{second, first} {
				_, err = c.Receive(soon(t), nil)
				require.Equal(t, shmpipe.ErrPeerDied, err)
			}
		}
		require.NoError(t, second.Close())
		_, err = first.Receive(soon(t), nil)
		require.Equal(t, shmpipe.ErrPeerDied, err)

		third := consumer(t, pipe)
		_, err = third.Receive(soon(t), nil)
		require.Equal(t, shmpipe.ErrPeerDied, err)
		require.NoError(t, third.Close())

		next := s.child(t, "send", name, "3", "4")
		next.Expect("sent")
		expect(t, first, "3")
		next.Tell("close")
		next.Wait()
		_, err = first.Receive(soon(t), nil)
		require.Equal(t, io.EOF, err, "the successor made good for it")
		last := consumer(t, pipe)
		require.NoError(t, last.Close())
		_, err = first.Receive(soon(t), nil)
		require.Equal(t, io.EOF, err)
	})
}

// A producer that takes another place than that of the dead one is the successor if a consumer sits in that one.
func TestAProducersDeath_IsMadeGoodForWhileAConsumerHasItsPlace(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		if s.mode == shmpipe.SPSC {
			t.Skip("each role has a place of its own")
		}
		pipe, name := s.pipeOf(t, shmpipe.Geometry{Capacity: 16 << 10, MaxMessage: maxMessage, Participants: 2}, shmpipe.Options{})
		first := consumer(t, pipe)
		child := s.child(t, "send", name, "0", "1")
		child.Expect("sent")
		child.Kill()
		second := consumer(t, pipe)
		require.NoError(t, first.Close())
		next := producer(t, pipe)
		send(t, next, "1")
		require.NoError(t, next.Close())
		expect(t, second, "0", "1")
		_, err := second.Receive(soon(t), nil)
		require.Equal(t, io.EOF, err)
		require.NoError(t, second.Close())
		_, err = consumer(t, pipe).Receive(soon(t), nil)
		require.Equal(t, io.EOF, err)
	})
}

// The same the other way round: a producer takes the place of the consumer that died, and the other producer waits for space.
func TestAConsumersDeath_IsToldThoughAProducerTookItsPlace(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		if s.mode == shmpipe.SPSC {
			t.Skip("each role has a place of its own")
		}
		pipe, name := s.pipeOf(t, shmpipe.Geometry{Capacity: 16 << 10, MaxMessage: maxMessage, Participants: 2}, shmpipe.Options{})
		first := producer(t, pipe)
		child := s.child(t, "hold", name, "consumer")
		child.Expect("held")
		child.Kill()
		second := producer(t, pipe)
		for range 2 {
			require.Equal(t, shmpipe.ErrPeerDied, sendUntilFailure(t, first))
		}
		require.NoError(t, second.Close())
		require.Equal(t, shmpipe.ErrPeerDied, sendUntilFailure(t, first))

		next := consumer(t, pipe) // makes good for it
		require.NoError(t, next.Close())
		require.Equal(t, shmpipe.ErrPeerClosed, sendUntilFailure(t, first))
	})
}

// sendUntilFailure returns that failure.
func sendUntilFailure(t *testing.T, p *shmpipe.Producer) error {
	t.Helper()
	ctx := soon(t)
	for {
		if err := p.Send(ctx, make([]byte, maxMessage)); err != nil {
			return err
		}
	}
}
