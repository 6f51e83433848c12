//go:build linux

package shmpipe_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// waits are the calls that take a context, each on a ring on which it has to wait.
var waits = map[string]func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) func(context.Context) error{
	"Send": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) func(context.Context) error {
		fill(t, p)
		return func(x context.Context) error { return p.Send(x, make([]byte, 1000)) }
	},
	"SendBatch": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) func(context.Context) error {
		fill(t, p)
		return func(x context.Context) error { _, err := p.SendBatch(x, texts(2, 1000)); return err }
	},
	"Claim": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) func(context.Context) error {
		fill(t, p)
		return func(x context.Context) error { _, err := p.Claim(x, 1000); return err }
	},
	"Drain": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) func(context.Context) error {
		send(t, p, "a")
		return p.Drain
	},
	"Receive": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) func(context.Context) error {
		return func(x context.Context) error { _, err := c.Receive(x, nil); return err }
	},
	"Next": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) func(context.Context) error {
		return func(x context.Context) error { _, err := c.Next(x); return err }
	},
	"Poll": func(t *testing.T, p *shmpipe.Producer, c *shmpipe.Consumer) func(context.Context) error {
		return func(x context.Context) error { _, err := c.Poll(x, 1, nil); return err }
	},
}

func TestContext_EndsEveryWaitAndNothingIsSent(t *testing.T) {
	forEachStrategy(t, contextEndsEveryWait)
}

func contextEndsEveryWait(t *testing.T, w shmpipe.WaitStrategy) {
	for name, prepare := range waits {
		for _, after := range []time.Duration{-1, 20 * time.Microsecond, moment} { // before the call, spinning, asleep
			pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Wait: w})
			p, c := producer(t, pipe), consumer(t, pipe)
			wait := prepare(t, p, c)
			sent := stats(t, pipe).Sent
			stop, cancel := context.WithCancel(ctx)
			if after < 0 {
				cancel()
			} else {
				time.AfterFunc(after, cancel)
			}
			shmtest.Within(t, shmtest.Patience, name, func() { require.Equal(t, context.Canceled, wait(stop), name) })
			cancel()
			require.Equal(t, sent, stats(t, pipe).Sent, name)

			limited, cancel := context.WithTimeout(ctx, 2*time.Millisecond)
			shmtest.Within(t, shmtest.Patience, name, func() { require.Equal(t, context.DeadlineExceeded, wait(limited), name) })
			cancel()
			require.Equal(t, sent, stats(t, pipe).Sent, name)

			buf := make([]byte, 2000)
			for range sent { // the ring goes on as if nothing had been
				_, err := c.TryReceive(buf)
				require.NoError(t, err)
			}
			_, err := c.TryReceive(buf)
			require.Equal(t, shmpipe.ErrEmpty, err)
			send(t, p, "after")
			receive(t, c, "after")
		}
	}
}

func TestContext_ThatIsDoneIsNoticedOnlyByWhoHasToWait(t *testing.T) {
	p, c := pair(t, shmpipe.Options{})
	done, cancel := context.WithCancel(ctx)
	cancel()
	require.NoError(t, p.Send(done, []byte("a")))
	n, err := c.Receive(done, make([]byte, 8))
	require.NoError(t, err)
	require.Equal(t, 1, n)
}

func TestContext_CauseIsNotTheError(t *testing.T) {
	_, c := pair(t, shmpipe.Options{})
	stop, cancel := context.WithCancelCause(ctx)
	cancel(errors.New("why"))
	_, err := c.Receive(stop, nil)
	require.Equal(t, context.Canceled, err)
}

func TestSpin_OfNoTimeOrLessSleepsAtOnce(t *testing.T) {
	for _, spin := range []time.Duration{time.Nanosecond, -time.Nanosecond, -time.Hour} {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Spin: spin})
		c := consumer(t, pipe)
		stop, cancel := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { _, err := c.Receive(stop, nil); ended <- err }()
		shmtest.Eventually(t, fmt.Sprintf("sleep, with a spin of %v", spin), func() bool { return stats(t, pipe).ConsumerParks > 0 })
		cancel()
		require.Equal(t, context.Canceled, <-ended)
	}
}
