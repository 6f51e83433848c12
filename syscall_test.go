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

// With both sides spinning, the kernel has no part in a message: a child that sends a million of them, or receives them, makes no
// futex call on the ring's words, no barrier, and of all calls together as few as the Go runtime makes on its own account. Its
// futexes are private to the process.
func TestBusyPeers_MakeNoSystemCall(t *testing.T) {
	if testing.Short() {
		t.Skip("millions of messages, which the race detector makes slow")
	}
	if runtime.NumCPU() < 2 {
		t.Skip("needs two processors")
	}
	const messages = 1_000_000
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	if out, err := exec.Command(strace, "-f", "true").CombinedOutput(); err != nil {
		t.Skipf("strace does not work here: %v\n%s", err, out)
	}
	for _, mode := range modes {
		for _, traced := range []string{"producer", "consumer"} {
			t.Run(mode.String()+" "+traced, func(t *testing.T) { requireNoSystemCall(t, mode, strace, traced, messages) })
		}
	}
}

func requireNoSystemCall(t *testing.T, mode shmpipe.Mode, strace, traced string, messages int) {
	pipe := create(t, shmpipe.Geometry{Mode: mode, Capacity: 1 << 20}, shmpipe.Options{Wait: shmpipe.WaitSpin})
	trace := t.TempDir() + "/trace"
	run := func(role, end string) *shmtest.Process {
		cmd := shmtest.Command(t, role, name(t, pipe), "spin", strconv.Itoa(messages))
		if end == traced {
			cmd.Args = append([]string{strace, "-f", "-o", trace, cmd.Path}, cmd.Args[1:]...)
			cmd.Path = strace
		}
		return shmtest.Start(t, cmd)
	}
	to := run("receive-many", "consumer")
	to.Expect("receiving")
	from := run("send-many", "producer")
	from.Expect("sending")
	from.Wait()
	to.Expect("received " + strconv.Itoa(messages))
	to.Wait()
	lines, err := os.ReadFile(trace)
	require.NoError(t, err)
	calls, shared, private, barriers := 0, 0, 0, 0
	var samples []string
	for line := range bytes.Lines(lines) {
		s := string(line)
		switch {
		case strings.Contains(s, "resumed"), strings.Contains(s, "--- "), strings.Contains(s, "+++ "): // counted before, a signal, an end
			continue
		case strings.Contains(s, "membarrier("):
			barriers++
		case !strings.Contains(s, "futex"):
		case strings.Contains(s, "_PRIVATE"):
			private++
		default:
			shared++
			samples = append(samples, s)
		}
		calls++
	}
	s := stats(t, pipe)
	t.Logf("%d messages: %d system calls, of them %d futex calls on the ring, %d of the Go runtime, %d barriers; %v", messages, calls, shared, private, barriers, s)
	require.Positive(t, calls, "the trace is of the child")
	require.Less(t, calls, messages/20)
	// Attaching, and closing, wake whoever may sleep: once each, in MPMC at both gates, and somebody who watches may tell of a leave.
	require.LessOrEqual(t, shared, 8, strings.Join(samples, ""))
	require.LessOrEqual(t, barriers, 8)
	require.Less(t, private, messages/1000)
	require.Zero(t, s.ProducerParks+s.ConsumerParks+s.ProducerWakes+s.ConsumerWakes)
}

// With the default strategy, busy peers sleep now and then: when one of them loses its processor to something else.
func TestBusyPeers_SleepSeldom(t *testing.T) {
	if testing.Short() {
		t.Skip("millions of messages, which the race detector makes slow")
	}
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
