//go:build linux

package shmpipe_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// A delivery is noted on the board twice for each message: how often it came as new, and how often flagged.
const (
	noteNew     = 0
	noteFlagged = 1
)

// roleReceiveNumbers receives numbered messages without end, in the way it is told, and notes each on the board as soon as it
// has seen it.
func roleReceiveNumbers(args []string) error {
	b, err := shmpipe.ParseBackend(args[0])
	if err != nil {
		return err
	}
	board, err := shmtest.OpenBoard(args[2])
	if err != nil {
		return err
	}
	p, err := shmpipe.Open(args[1], &shmpipe.Options{Backend: b})
	if err != nil {
		return err
	}
	c, err := p.Consumer()
	if err != nil {
		return err
	}
	last, err := strconv.Atoi(args[4])
	if err != nil {
		return err
	}
	note := func(msg []byte) error {
		_, seq, err := checkNumbered(msg)
		if err != nil {
			board.At(2 * last).Add(1)
			return err
		}
		if c.Redelivered() {
			board.At(2*int(seq) + noteFlagged).Add(1)
		} else {
			board.At(2*int(seq) + noteNew).Add(1)
		}
		return nil
	}
	shmtest.Say("receiving")
	buf := make([]byte, 4096)
	for {
		var n int
		switch args[3] {
		case "receive":
			if n, err = c.Receive(ctx, buf); err == nil {
				err = note(buf[:n])
			}
		case "next":
			var m shmpipe.Message
			if m, err = c.Next(ctx); err == nil {
				err = note(m.Bytes())
				m.Release()
			}
		case "poll":
			_, err = c.Poll(ctx, 7, note)
		case "messages":
			for msg, e := range c.Messages(ctx) {
				if err = e; err == nil {
					err = note(msg)
				}
				if err != nil {
					break
				}
			}
		}
		if err == shmpipe.ErrPeerDied {
			shmtest.Hear() // to be killed as well
		}
		if err != nil {
			return err
		}
	}
}

func TestCrash_ConsumerKilledAnywhereFinishesNothingForItsSuccessor(t *testing.T) {
	t.Run("posix", func(t *testing.T) { killConsumers(t, shmpipe.POSIX, scale(100)) })
	t.Run("sysv", func(t *testing.T) { killConsumers(t, shmpipe.SysV, scale(30)) })
}

func killConsumers(t *testing.T, b shmpipe.Backend, kills int) {
	const most = 4 << 20 // messages; the board holds as many
	random := shmtest.Rand(t)
	pipe := create(t, shmpipe.Geometry{Capacity: 16 << 10}, shmpipe.Options{Backend: b, Follow: true})
	board := shmtest.NewBoard(t, 2*most+2)
	p := producer(t, pipe)
	stop, sent := make(chan struct{}), make(chan int)
	go func() {
		buf := make([]byte, 1024)
		seq := 0
		defer func() { sent <- seq }()
		for ; seq < most; seq++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := p.Send(ctx, numbered(buf, 0, uint64(seq))); err != nil {
				t.Errorf("send %d: %v", seq, err)
				return
			}
		}
	}()
	ways := []string{"receive", "next", "poll", "messages"}
	for i := range kills {
		child := shmtest.Child(t, "receive-numbers", b.String(), name(t, pipe), board.Path, ways[i%len(ways)], strconv.Itoa(most))
		child.Expect("receiving")
		time.Sleep(time.Duration(random.IntN(5000)) * time.Microsecond)
		child.Kill()
	}
	close(stop)
	// The last consumer, here, gets the rest.
	c := consumer(t, pipe)
	buf := make([]byte, 4096)
	total := -1
	for end := time.Now().Add(shmtest.Patience); ; {
		n, err := c.TryReceive(buf)
		if err == nil {
			_, seq := readNumbered(t, buf[:n])
			column := noteNew
			if c.Redelivered() {
				column = noteFlagged
			}
			board.At(2*int(seq) + column).Add(1)
			continue
		}
		require.Equal(t, shmpipe.ErrEmpty, err)
		if total >= 0 {
			break
		}
		select { // the producer may wait for this consumer still
		case total = <-sent:
		default:
		}
		require.True(t, time.Now().Before(end), "the producer does not stop")
	}
	require.Zero(t, board.At(2*most).Load(), "torn messages")
	flagged := 0
	for seq := range total {
		fresh, again := board.At(2*seq+noteNew).Load(), board.At(2*seq+noteFlagged).Load()
		require.LessOrEqual(t, fresh, uint64(1), "message %d came twice as new", seq)
		require.Positive(t, fresh+again, "message %d of %d was lost", seq, total)
		flagged += int(again)
	}
	require.LessOrEqual(t, flagged, kills+1, "at most one for each death")
	s := stats(t, pipe)
	require.Equal(t, uint64(total), s.Sent)
	t.Logf("%d consumers killed, %d messages, %d flagged, counted as redelivered %d", kills, total, flagged, s.Redelivered)
	require.Equal(t, shmpipe.ErrEmpty, func() error { _, err := c.TryReceive(buf); return err }())
}

func TestCrash_CreatorKilledLeavesAUsableSegment(t *testing.T) {
	for _, b := range named {
		name := shmtest.TempName(t)
		child := shmtest.Child(t, "create-and-send", b.String(), name)
		child.Expect("sent")
		child.Kill()
		pipe, err := shmpipe.Open(name, &shmpipe.Options{Backend: b})
		require.NoError(t, err)
		defer pipe.Close()
		info, err := pipe.Info()
		require.NoError(t, err)
		require.Equal(t, "died", info.Participants[0].State)
		c := consumer(t, pipe)
		receive(t, c, "one", "two")
		_, err = c.Receive(soon(t), nil)
		require.Equal(t, shmpipe.ErrPeerDied, err)
		send(t, producer(t, pipe), "three")
		receive(t, c, "three")
	}
}

// roleCreateAndSend makes a segment, sends, and waits to be killed.
func roleCreateAndSend(args []string) error {
	b, err := shmpipe.ParseBackend(args[0])
	if err != nil {
		return err
	}
	p, err := shmpipe.Create(args[1], shmpipe.Geometry{Capacity: 4096}, &shmpipe.Options{Backend: b})
	if err != nil {
		return err
	}
	v, err := p.Producer()
	if err != nil {
		return err
	}
	for _, s := range []string{"one", "two"} {
		if err := v.Send(ctx, []byte(s)); err != nil {
			return err
		}
	}
	shmtest.Say("sent")
	shmtest.Hear()
	return nil
}

func TestCrash_BothKilledAndAThirdDrains(t *testing.T) {
	for _, b := range named {
		random := shmtest.Rand(t)
		for range scale(20) {
			const most = 1 << 20
			pipe := create(t, shmpipe.Geometry{Capacity: 16 << 10}, shmpipe.Options{Backend: b})
			counts, notes := shmtest.NewBoard(t, 1), shmtest.NewBoard(t, 2*most+2)
			from := shmtest.Child(t, "send-numbers", b.String(), name(t, pipe), counts.Path, "0")
			to := shmtest.Child(t, "receive-numbers", b.String(), name(t, pipe), notes.Path, "receive", strconv.Itoa(most))
			from.Expect("sending")
			to.Expect("receiving")
			time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
			if random.IntN(2) == 0 {
				from, to = to, from
			}
			from.Kill()
			to.Kill()
			c := consumer(t, pipe)
			buf := make([]byte, 4096)
			flagged := 0
			seen := uint64(0)
			for {
				n, err := c.Receive(soon(t), buf)
				if err == shmpipe.ErrPeerDied {
					break
				}
				require.NoError(t, err)
				_, seq := readNumbered(t, buf[:n])
				seen = seq + 1
				if c.Redelivered() {
					flagged++
				} else {
					require.Zero(t, notes.At(2*int(seq)).Load(), "message %d came twice as new", seq)
				}
				notes.At(2 * int(seq)).Add(1)
			}
			require.LessOrEqual(t, flagged, 1)
			require.Zero(t, notes.At(2*most).Load(), "torn messages")
			for seq := range max(seen, counts.At(0).Load()) {
				require.Positive(t, notes.At(2*int(seq)).Load(), "message %d was sent and lost", seq)
			}
		}
	}
}
