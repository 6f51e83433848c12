//go:build linux

package shmpipe_test

import (
	"bytes"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// roleBothEnds is producer and consumer in one process, as two goroutines.
func roleBothEnds(args []string) error {
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
	c, err := p.Consumer()
	if err != nil {
		return err
	}
	sent := make(chan error, 1)
	go func() {
		var msg [64]byte
		for range count {
			if err := v.Send(ctx, msg[:]); err != nil {
				sent <- err
				return
			}
		}
		sent <- v.Close()
	}()
	n := 0
	for msg, err := range c.Messages(ctx) {
		if err != nil {
			return err
		}
		if !bytes.Equal(msg, make([]byte, 64)) {
			shmtest.Say("message %d is wrong", n)
		}
		n++
	}
	if err := <-sent; err != nil {
		return err
	}
	shmtest.Say("received %d", n)
	return nil
}

func TestOneProcessor_BothEndsInOneProcessMakeProgress(t *testing.T) {
	for _, w := range strategies {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
		cmd := shmtest.Command(t, "both-ends", name(t, pipe), w.String(), "100000")
		cmd.Env = append(cmd.Env, "GOMAXPROCS=1")
		child := shmtest.Start(t, cmd)
		child.Expect("received 100000")
		child.Wait()
		t.Logf("GOMAXPROCS=1, %v: %v", w, stats(t, pipe))
	}
}

// onFirst binds a child to the first processor.
func onFirst(t testing.TB, cmd *exec.Cmd) *exec.Cmd {
	taskset, err := exec.LookPath("taskset")
	if err != nil {
		t.Skip("taskset is not installed")
	}
	var may unix.CPUSet
	require.NoError(t, unix.SchedGetaffinity(0, &may))
	first := 0
	for !may.IsSet(first) {
		first++
	}
	cmd.Args = append([]string{taskset, "-c", strconv.Itoa(first), cmd.Path}, cmd.Args[1:]...)
	cmd.Path = taskset
	return cmd
}

func TestOneProcessor_TwoProcessesMakeProgress(t *testing.T) {
	for _, w := range strategies {
		const messages = 20_000
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
		to := shmtest.Start(t, onFirst(t, shmtest.Command(t, "receive-many", name(t, pipe), w.String())))
		to.Expect("receiving")
		from := shmtest.Start(t, onFirst(t, shmtest.Command(t, "send-many", name(t, pipe), w.String(), strconv.Itoa(messages))))
		from.Expect("sending")
		to.Expect("received " + strconv.Itoa(messages))
		from.Wait()
		to.Wait()
		t.Logf("one processor, %v: %v", w, stats(t, pipe))
	}
}

func TestOneProcessor_BothEndsInOneBoundProcessMakeProgress(t *testing.T) {
	for _, w := range strategies {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{})
		child := shmtest.Start(t, onFirst(t, shmtest.Command(t, "both-ends", name(t, pipe), w.String(), "20000")))
		child.Expect("received 20000")
		child.Wait()
	}
}

// roleReceiveMany receives until the end of stream.
func roleReceiveMany(args []string) error {
	w, err := shmpipe.ParseWaitStrategy(args[1])
	if err != nil {
		return err
	}
	p, err := shmpipe.Open(args[0], &shmpipe.Options{Wait: w})
	if err != nil {
		return err
	}
	c, err := p.Consumer()
	if err != nil {
		return err
	}
	shmtest.Say("receiving")
	n := 0
	for _, err := range c.Messages(ctx) {
		if err != nil {
			return err
		}
		n++
	}
	shmtest.Say("received %d", n)
	return c.Close()
}
