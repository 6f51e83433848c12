//go:build linux

package shmpipe_test

import (
	"errors"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// scale is how often a long test repeats: n times, a tenth of it with -short.
func scale(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// The mapping goes with the last Close, so a method that touched the ring after it would be a fault that no test survives.
func TestClose_RacesWithHotLoopsAndTheMemoryGoes(t *testing.T) {
	rounds := scale(20_000)
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	name, where := name(t, pipe), pathOf(t, pipe)
	random := shmtest.Rand(t)
	for i := range rounds {
		opened, err := shmpipe.Open(name, &shmpipe.Options{Follow: true})
		require.NoError(t, err)
		p, err := opened.Producer()
		require.NoError(t, err)
		c, err := opened.Consumer()
		require.NoError(t, err)
		require.NoError(t, opened.Close())
		way := random.IntN(5)
		errs := make(chan error, 2)
		var began sync.WaitGroup
		began.Add(2)
		go func() { began.Done(); errs <- hotSend(p, way) }()
		go func() { began.Done(); errs <- hotReceive(c, way) }()
		began.Wait()
		for range random.IntN(4) {
			runtime.Gosched()
		}
		var closed sync.WaitGroup
		var closeErrs [3]error
		closed.Go(func() { closeErrs[0] = p.Close() })
		closed.Go(func() { closeErrs[1] = c.Close() })
		closeErrs[2] = p.Close()
		closed.Wait()
		require.NoError(t, errors.Join(closeErrs[:]...), "round %d", i)
		require.Equal(t, shmpipe.ErrClosed, <-errs, "round %d, way %d", i, way)
		require.Equal(t, shmpipe.ErrClosed, <-errs, "round %d, way %d", i, way)
		if i%100 == 0 {
			require.Empty(t, shmtest.Mappings(where), "round %d", i)
		}
	}
}

func hotSend(p *shmpipe.Producer, way int) error {
	msg := make([]byte, 100)
	for i := 1; ; i++ {
		if i%16 == 0 {
			runtime.Gosched() // or the test spends its time waiting for a turn
		}
		var err error
		switch way {
		case 0:
			err = p.TrySend(msg)
		case 1:
			err = p.Send(ctx, msg)
		case 2:
			var c shmpipe.Claim
			if c, err = p.TryClaim(100); err == nil {
				err = c.Commit(50)
			}
		case 3:
			_, err = p.SendBatch(ctx, [][]byte{msg, msg, msg})
		default:
			if err = p.TrySend(msg); err == nil {
				err = p.Drain(ctx)
			}
		}
		if err != nil && err != shmpipe.ErrFull {
			return err
		}
	}
}

func hotReceive(c *shmpipe.Consumer, way int) error {
	buf := make([]byte, 100)
	for i := 1; ; i++ {
		if i%16 == 0 {
			runtime.Gosched() // or the test spends its time waiting for a turn
		}
		var err error
		switch way {
		case 0:
			_, err = c.TryReceive(buf)
		case 1:
			_, err = c.Receive(ctx, buf)
		case 2:
			var m shmpipe.Message
			if m, err = c.TryNext(); err == nil {
				copy(buf, m.Bytes())
				m.Release()
			}
		case 3:
			_, err = c.Poll(ctx, 10, func(msg []byte) error { copy(buf, msg); return nil })
		default:
			for msg, e := range c.Messages(ctx) {
				if err = e; err == nil {
					copy(buf, msg)
				}
			}
		}
		if err != nil && err != shmpipe.ErrEmpty {
			return err
		}
	}
}
