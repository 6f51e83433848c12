//go:build linux

package shmpipe_test

import (
	"io"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

func TestCrash_ProducerKilledAnywhereLosesNothingThatWasSent(t *testing.T) {
	t.Run("posix", func(t *testing.T) { killProducers(t, shmpipe.POSIX, scale(100)) })
	t.Run("sysv", func(t *testing.T) { killProducers(t, shmpipe.SysV, scale(30)) })
}

func killProducers(t *testing.T, b shmpipe.Backend, kills int) {
	random := shmtest.Rand(t)
	pipe := create(t, shmpipe.Geometry{Capacity: 16 << 10}, shmpipe.Options{Backend: b})
	c := consumer(t, pipe)
	board := shmtest.NewBoard(t, kills)
	buf := make([]byte, 4096)
	total := uint64(0)
	for i := range kills {
		child := shmtest.Child(t, "send-numbers", b.String(), name(t, pipe), board.Path, strconv.Itoa(i))
		child.Expect("sending")
		killed := make(chan struct{})
		time.AfterFunc(time.Duration(random.IntN(5000))*time.Microsecond, func() {
			child.Kill()
			close(killed)
		})
		received := uint64(0)
		for {
			n, err := c.Receive(soon(t), buf)
			if err == shmpipe.ErrPeerDied {
				break
			}
			require.NoError(t, err, "kill %d after %d messages", i, received)
			sender, seq := readNumbered(t, buf[:n])
			require.Equal(t, uint64(i), sender)
			require.Equal(t, received, seq, "kill %d", i)
			received++
		}
		<-killed
		sent := board.At(i).Load()
		// The board is written after Send returned; a batch of four may have been sent, and not counted.
		require.GreaterOrEqual(t, received, sent, "kill %d: a message whose Send returned is missing", i)
		require.LessOrEqual(t, received, sent+4, "kill %d: messages out of nowhere", i)
		total += received
		_, err := c.TryReceive(buf)
		require.Contains(t, []error{shmpipe.ErrPeerDied, shmpipe.ErrEmpty}, err)
	}
	t.Logf("%d producers killed, %d messages", kills, total)
	p := producer(t, pipe)
	send(t, p, "the last one")
	require.NoError(t, p.Close())
	receive(t, c, "the last one")
	_, err := c.Receive(ctx, buf)
	require.Equal(t, io.EOF, err)
	require.Equal(t, total+1, stats(t, pipe).Received)
}

// Whoever sleeps must learn of the death without anybody to wake it, and again each time that it asks.
func TestCrash_WakesAConsumerThatSleeps(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		for _, b := range named {
			pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b, Wait: w})
			child := hold(t, pipe, b, "producer")
			c := consumer(t, pipe)
			result := make(chan error, 1)
			go func() { _, err := c.Receive(soon(t), nil); result <- err }()
			time.Sleep(5 * moment)
			start := time.Now()
			child.Kill()
			require.Equal(t, shmpipe.ErrPeerDied, <-result)
			require.Less(t, time.Since(start), asLongAsALostWakeUp)
			for range 3 {
				start := time.Now()
				_, err := c.Receive(soon(t), nil)
				require.Equal(t, shmpipe.ErrPeerDied, err)
				require.Less(t, time.Since(start), asLongAsALostWakeUp, "the second time takes as long as the first")
			}
			p := producer(t, pipe)
			send(t, p, "successor")
			receive(t, c, "successor")
		}
	})
}

func TestCrash_WakesAProducerThatSleepsAndARetrySucceeds(t *testing.T) {
	forEachStrategy(t, func(t *testing.T, w shmpipe.WaitStrategy) {
		for _, b := range named {
			pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b, Wait: w})
			child := hold(t, pipe, b, "consumer")
			p := producer(t, pipe)
			n := fill(t, p)
			result := make(chan error, 1)
			last := make([]byte, 1000)
			last[0] = 'x'
			go func() { result <- p.Send(soon(t), last) }()
			time.Sleep(5 * moment)
			child.Kill()
			require.Equal(t, shmpipe.ErrPeerDied, <-result)
			start := time.Now()
			require.Equal(t, shmpipe.ErrPeerDied, p.Send(soon(t), last), "it lasts until a successor comes")
			require.Less(t, time.Since(start), asLongAsALostWakeUp)
			c := consumer(t, pipe)
			go func() { result <- p.Send(soon(t), last) }()
			buf := make([]byte, 1000)
			for i := range n + 1 {
				_, err := c.Receive(soon(t), buf)
				require.NoError(t, err)
				require.False(t, c.Redelivered())
				require.Equal(t, i == n, buf[0] == 'x')
			}
			require.NoError(t, <-result)
		}
	})
}

// A method that does not wait looks now and then.
func TestCrash_IsNoticedByWhoPolls(t *testing.T) {
	pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
	child := hold(t, pipe, shmpipe.POSIX, "producer")
	c := consumer(t, pipe)
	child.Kill()
	shmtest.Eventually(t, "ErrPeerDied", func() bool {
		_, err := c.TryReceive(nil)
		return err == shmpipe.ErrPeerDied
	})
	require.NoError(t, c.Close())
	child = hold(t, pipe, shmpipe.POSIX, "consumer")
	p := producer(t, pipe)
	fill(t, p)
	child.Kill()
	shmtest.Eventually(t, "ErrPeerDied", func() bool { return p.TrySend(make([]byte, 1000)) == shmpipe.ErrPeerDied })
}
