//go:build linux

package shmpipe_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// roleSendMany sends so many messages of 64 bytes.
func roleSendMany(args []string) error {
	w, err := shmpipe.ParseWaitStrategy(args[1])
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	p, err := shmpipe.Open(args[0], &shmpipe.Options{Wait: w})
	if err != nil {
		return err
	}
	v, err := p.Producer()
	if err != nil {
		return err
	}
	shmtest.Say("sending")
	var msg [64]byte
	for range count {
		if err := v.Send(ctx, msg[:]); err != nil {
			return err
		}
	}
	return v.Close()
}

func receiveAll(t testing.TB, c *shmpipe.Consumer) int {
	n := 0
	buf := make([]byte, 100)
	for {
		_, err := c.Receive(ctx, buf)
		if err != nil {
			require.ErrorContains(t, err, "EOF")
			return n
		}
		n++
	}
}

// With both sides spinning, the kernel has no part in a message: the child that sends a million of them makes no futex call on the
// ring's words, and no barrier. The Go runtime has futexes of its own, which are private to the process.
func TestBusyPeers_MakeNoSystemCall(t *testing.T) {
	if runtime.NumCPU() < 2 {
		t.Skip("needs two processors")
	}
	const messages = 1_000_000
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	if out, err := exec.Command(strace, "-f", "-e", "trace=futex", "true").CombinedOutput(); err != nil {
		t.Skipf("strace does not work here: %v\n%s", err, out)
	}
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) { requireNoSystemCall(t, mode, strace, messages) })
	}
}

func requireNoSystemCall(t *testing.T, mode shmpipe.Mode, strace string, messages int) {
	pipe := create(t, shmpipe.Geometry{Mode: mode, Capacity: 1 << 20}, shmpipe.Options{Wait: shmpipe.WaitSpin})
	c := consumer(t, pipe)
	trace := t.TempDir() + "/trace"
	cmd := shmtest.Command(t, "send-many", name(t, pipe), "spin", strconv.Itoa(messages))
	cmd.Args = append([]string{strace, "-f", "-o", trace, "-e", "trace=futex,futex_waitv,membarrier", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = strace
	child := shmtest.Start(t, cmd)
	child.Expect("sending")
	require.Equal(t, messages, receiveAll(t, c))
	child.Wait()
	lines, err := os.ReadFile(trace)
	require.NoError(t, err)
	shared, private, barriers := 0, 0, 0
	var samples []string
	for line := range bytes.Lines(lines) {
		s := string(line)
		switch {
		case strings.Contains(s, "membarrier("):
			barriers++
		case !strings.Contains(s, "futex"):
		case strings.Contains(s, "_PRIVATE"):
			private++
		case strings.Contains(s, "resumed"): // the second half of a line that was counted
		default:
			shared++
			samples = append(samples, s)
		}
	}
	s := stats(t, pipe)
	t.Logf("%d messages: %d futex calls on the ring, %d of the Go runtime, %d barriers; %v", messages, shared, private, barriers, s)
	// Attaching, and closing, wake whoever may sleep: once each, in MPMC at both gates, and somebody who watches may tell of a leave.
	require.LessOrEqual(t, shared, 8, strings.Join(samples, ""))
	require.LessOrEqual(t, barriers, 8)
	require.Less(t, private, messages/1000)
	require.Zero(t, s.ProducerParks+s.ConsumerParks+s.ProducerWakes+s.ConsumerWakes)
}

// With the default strategy, busy peers sleep now and then: when one of them loses its processor to something else.
func TestBusyPeers_SleepSeldom(t *testing.T) {
	const messages = 1_000_000
	for _, w := range []shmpipe.WaitStrategy{shmpipe.WaitAdaptive, shmpipe.WaitSpin} {
		for _, mode := range modes {
			requireFewSleeps(t, create(t, shmpipe.Geometry{Mode: mode, Capacity: 1 << 20}, shmpipe.Options{Wait: w}), w, messages)
		}
	}
}

func requireFewSleeps(t *testing.T, pipe *shmpipe.Pipe, w shmpipe.WaitStrategy, messages int) {
	c := consumer(t, pipe)
	child := shmtest.Child(t, "send-many", name(t, pipe), w.String(), strconv.Itoa(messages))
	child.Expect("sending")
	require.Equal(t, messages, receiveAll(t, c))
	child.Wait()
	s := stats(t, pipe)
	calls := s.ProducerParks + s.ConsumerParks + s.ProducerWakes + s.ConsumerWakes
	t.Logf("%v: %d messages, %d sleeps and wakes; %v", w, messages, calls, s)
	require.Less(t, calls, uint64(messages/10), fmt.Sprint(s))
}
