//go:build linux

package shmpipe_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// blocked are the calls that wait. Each is made on a ring on which it has to.
var blocked = map[string]func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) (call func() error, closer io.Closer){
	"Send": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) (func() error, io.Closer) {
		fill(t, p)
		return func() error { return p.Send(ctx, make([]byte, 1000)) }, p
	},
	"SendBatch": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) (func() error, io.Closer) {
		fill(t, p)
		return func() error { _, err := p.SendBatch(ctx, texts(2, 1000)); return err }, p
	},
	"Claim": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) (func() error, io.Closer) {
		fill(t, p)
		return func() error { _, err := p.Claim(ctx, 1000); return err }, p
	},
	"Drain": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) (func() error, io.Closer) {
		send(t, p, "a")
		return func() error { return p.Drain(ctx) }, p
	},
	"Receive": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) (func() error, io.Closer) {
		return func() error { _, err := c.Receive(ctx, nil); return err }, c
	},
	"Next": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) (func() error, io.Closer) {
		return func() error { _, err := c.Next(ctx); return err }, c
	},
	"Poll": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) (func() error, io.Closer) {
		return func() error { _, err := c.Poll(ctx, 1, nil); return err }, c
	},
	"Messages": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) (func() error, io.Closer) {
		return func() error {
			for _, err := range c.Messages(ctx) {
				return err
			}
			return nil
		}, c
	},
}

func TestClose_EndsACallThatWaits(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		for name, prepare := range blocked {
			for _, sleep := range []time.Duration{0, 100 * time.Microsecond, moment} { // on the way, spinning, asleep
				pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Wait: w})
				p, c := producer(t, pipe), consumer(t, pipe)
				call, closer := prepare(t, p, c)
				result := make(chan error, 1)
				go func() { result <- call() }()
				time.Sleep(sleep)
				shmtest.Within(t, shmtest.Patience, name, func() { require.NoError(t, closer.Close()) })
				err := <-result
				require.Equal(t, shmpipe.ErrClosed, err, name)
				require.ErrorIs(t, err, os.ErrClosed)
				require.Equal(t, shmpipe.ErrClosed, call(), "%s after Close", name)
				require.NoError(t, closer.Close(), "closing again")
			}
		}
	})
}

func TestClose_MakesEveryMethodReturnErrClosed(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "a")
	require.NoError(t, p.Close())
	require.NoError(t, c.Close())
	_, claimErr := p.TryClaim(1)
	_, batchErr := p.TrySendBatch(texts(1, 1))
	_, receiveErr := c.TryReceive(nil)
	_, nextErr := c.TryNext()
	_, pollErr := c.TryPoll(1, nil)
	for _, err := range []error{p.TrySend(nil), p.Send(ctx, nil), p.Drain(ctx), claimErr, batchErr, receiveErr, nextErr, pollErr} {
		require.Equal(t, shmpipe.ErrClosed, err)
	}
}

func TestClose_OfTheProducerIsTheEndOfStreamBehindTheLastMessage(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		p, c := pair(t, shmpipe.Options{Backend: b})
		send(t, p, "a", "b")
		require.NoError(t, p.Close())
		receive(t, c, "a", "b")
		for range 3 {
			_, err := c.TryReceive(nil)
			require.Equal(t, io.EOF, err)
			_, err = c.Receive(ctx, nil)
			require.Equal(t, io.EOF, err)
			_, err = c.Next(ctx)
			require.Equal(t, io.EOF, err)
			_, err = c.Poll(ctx, 1, nil)
			require.Equal(t, io.EOF, err)
		}
	})
}

func TestClose_OfThePeerWakesWhoWaits(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		for name, prepare := range blocked {
			for _, sleep := range []time.Duration{0, moment} {
				p, c := pair(t, shmpipe.Options{Wait: w})
				call, closer := prepare(t, p, c)
				result := make(chan error, 1)
				go func() { result <- call() }()
				time.Sleep(sleep)
				start := time.Now()
				var want error
				if closer == io.Closer(p) {
					require.NoError(t, c.Close())
					want = shmpipe.ErrPeerClosed
				} else {
					require.NoError(t, p.Close())
					if want = io.EOF; name == "Messages" {
						want = nil
					}
				}
				require.Equal(t, want, <-result, name)
				require.Less(t, time.Since(start), asLongAsALostWakeUp, name)
			}
		}
	})
}

func TestClose_OfTheConsumerIsErrPeerClosedToEveryMethod(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	send(t, p, "not received")
	require.NoError(t, c.Close())
	_, claimErr := p.TryClaim(1)
	_, claimErr2 := p.Claim(ctx, 1)
	_, batchErr := p.TrySendBatch(texts(1, 1))
	_, batchErr2 := p.SendBatch(ctx, texts(1, 1))
	for _, err := range []error{p.TrySend(nil), p.Send(ctx, nil), p.Drain(ctx), claimErr, claimErr2, batchErr, batchErr2} {
		require.Equal(t, shmpipe.ErrPeerClosed, err)
	}
}

func TestReopen_ASuccessorContinuesTheStream(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	p, c := producer(t, pipe), consumer(t, pipe)
	send(t, p, "a", "b")
	receive(t, c, "a")
	require.NoError(t, p.Close())
	require.NoError(t, c.Close())
	c = consumer(t, pipe)
	receive(t, c, "b")
	_, err := c.TryReceive(nil)
	require.Equal(t, io.EOF, err)
	p = producer(t, pipe)
	_, err = c.TryReceive(nil)
	require.Equal(t, shmpipe.ErrEmpty, err, "there is a producer again")
	send(t, p, "c")
	receive(t, c, "c")
}

func TestProducers_TwoMustHaveComeAndClosed(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Producers: 2, Wait: w})
		c := consumer(t, pipe)
		first := producer(t, pipe)
		send(t, first, "a")
		require.NoError(t, first.Close())
		receive(t, c, "a")
		_, err := c.TryReceive(nil)
		require.Equal(t, shmpipe.ErrEmpty, err)
		result := make(chan error, 1)
		buf := make([]byte, 8)
		go func() { _, err := c.Receive(ctx, buf); result <- err }()
		time.Sleep(moment)
		second := producer(t, pipe)
		send(t, second, "b")
		require.NoError(t, <-result)
		go func() { _, err := c.Receive(ctx, buf); result <- err }()
		time.Sleep(moment)
		require.NoError(t, second.Close())
		require.Equal(t, io.EOF, <-result)
	})
}

func TestFollow_OutlastsThePeers(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Follow: true, Wait: w})
		c := consumer(t, pipe)
		received := make(chan error, 1)
		buf := make([]byte, 1000)
		for range 3 {
			p := producer(t, pipe)
			require.NoError(t, p.Close())
			_, err := c.TryReceive(buf)
			require.Equal(t, shmpipe.ErrEmpty, err)
			go func() { _, err := c.Receive(soon(t), buf); received <- err }()
			time.Sleep(moment)
			p = producer(t, pipe)
			send(t, p, "x")
			require.NoError(t, <-received)
			require.NoError(t, p.Close())
		}
		require.NoError(t, c.Close())

		p := producer(t, pipe)
		n := fill(t, p)
		sent := make(chan error, 1)
		go func() { sent <- p.Send(soon(t), make([]byte, 1000)) }()
		time.Sleep(moment)
		c = consumer(t, pipe)
		for range n + 1 {
			_, err := c.Receive(soon(t), buf)
			require.NoError(t, err)
		}
		require.NoError(t, <-sent)
	})
}

func TestPipe_CloseLeavesEndpointsUsableAndIsIdempotent(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b})
		p, c := producer(t, pipe), consumer(t, pipe)
		require.NoError(t, errors.Join(pipe.Close(), pipe.Close()))
		send(t, p, "a")
		receive(t, c, "a")
		_, err := pipe.Consumer()
		require.Equal(t, shmpipe.ErrClosed, err)
		require.NoError(t, errors.Join(p.Close(), c.Close(), p.Close(), pipe.Close()))
	})
}
