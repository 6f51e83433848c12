//go:build linux

package shmpipe_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
)

// A consumer that leaves and comes changes the producer's view between any two of its steps.
func TestSend_WithFollowSurvivesConsumersThatComeAndGo(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Follow: true})
	p := producer(t, pipe)
	done := make(chan int)
	stop := make(chan struct{})
	go func() {
		sent := 0
		defer func() { done <- sent }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			switch err := p.TrySend([]byte("x")); err {
			case nil:
				sent++
			case shmpipe.ErrFull:
			default:
				t.Errorf("sent %d: %v", sent, err)
				return
			}
		}
	}()
	received := 0
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		c, err := pipe.Consumer()
		require.NoError(t, err)
		for range 3 {
			if _, err := c.TryReceive(make([]byte, 8)); err == nil {
				received++
			}
		}
		require.NoError(t, c.Close())
	}
	close(stop)
	sent := <-done
	c := consumer(t, pipe)
	for {
		_, err := c.TryReceive(make([]byte, 8))
		if err == shmpipe.ErrEmpty {
			break
		}
		require.NoError(t, err)
		received++
	}
	require.Equal(t, sent, received)
}
