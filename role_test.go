//go:build linux

package shmpipe_test

import (
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// take takes a role and returns how to give it back.
func take(p *shmpipe.Pipe, role string) (io.Closer, error) {
	if role == "producer" {
		v, err := p.Producer()
		return v, err
	}
	v, err := p.Consumer()
	return v, err
}

// roleHold takes a role of a segment and holds it until it is told to give it back.
func roleHold(args []string) error {
	b, err := shmpipe.ParseBackend(args[0])
	if err != nil {
		return err
	}
	p, err := shmpipe.Open(args[1], &shmpipe.Options{Backend: b})
	if err != nil {
		return err
	}
	v, err := take(p, args[2])
	if err != nil {
		return err
	}
	shmtest.Say("held")
	shmtest.Hear()
	return errors.Join(v.Close(), p.Close())
}

func forEachRole(t *testing.T, f func(t *testing.T, b shmpipe.Backend, role string)) {
	for _, b := range named {
		for _, role := range []string{"producer", "consumer"} {
			t.Run(b.String()+"/"+role, func(t *testing.T) { f(t, b, role) })
		}
	}
}

func hold(t *testing.T, pipe *shmpipe.Pipe, b shmpipe.Backend, role string) *shmtest.Process {
	child := shmtest.Child(t, "hold", b.String(), name(t, pipe), role)
	child.Expect("held")
	return child
}

func requireBusy(t *testing.T, pipe *shmpipe.Pipe, role string, pid int) {
	t.Helper()
	_, err := take(pipe, role)
	require.ErrorIs(t, err, shmpipe.ErrBusy)
	require.ErrorContains(t, err, strconv.Itoa(pid))
	require.ErrorContains(t, err, role)
	require.ErrorContains(t, err, pathOf(t, pipe))
}

func TestRole_IsBusyWhileThisProcessHasIt(t *testing.T) {
	forEachRole(t, func(t *testing.T, b shmpipe.Backend, role string) {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b})
		v, err := take(pipe, role)
		require.NoError(t, err)
		requireBusy(t, pipe, role, os.Getpid())
		again, err := shmpipe.Open(name(t, pipe), &shmpipe.Options{Backend: b})
		require.NoError(t, err)
		defer again.Close()
		requireBusy(t, again, role, os.Getpid())
		require.NoError(t, v.Close())
		v, err = take(again, role)
		require.NoError(t, err)
		require.NoError(t, v.Close())
	})
}

func TestRole_IsBusyWhileAnotherProcessHasItAndFreeAtOnceAfterwards(t *testing.T) {
	forEachRole(t, func(t *testing.T, b shmpipe.Backend, role string) {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b})
		child := hold(t, pipe, b, role)
		requireBusy(t, pipe, role, child.Process.Pid)
		child.Tell("close")
		child.Wait()
		v, err := take(pipe, role)
		require.NoError(t, err, "after an orderly close")
		require.NoError(t, v.Close())

		child = hold(t, pipe, b, role)
		child.Kill()
		v, err = take(pipe, role)
		require.NoError(t, err, "after SIGKILL")
		require.NoError(t, v.Close())
	})
}

func TestRole_OfAZombieIsFree(t *testing.T) {
	forEachRole(t, func(t *testing.T, b shmpipe.Backend, role string) {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b})
		child := hold(t, pipe, b, role)
		child.Signal(syscall.SIGKILL) // nobody waits for it
		shmtest.Eventually(t, "the role to be free", func() bool {
			v, err := take(pipe, role)
			if err != nil {
				require.ErrorIs(t, err, shmpipe.ErrBusy)
				return false
			}
			require.NoError(t, v.Close())
			return true
		})
		// The kernel lets the files go before it calls the process a zombie, so this may be a little later.
		shmtest.Eventually(t, "the process to be a zombie", func() bool {
			stat, err := os.ReadFile("/proc/" + strconv.Itoa(child.Process.Pid) + "/stat")
			require.NoError(t, err, "nobody has waited for it")
			return strings.Contains(string(stat), ") Z ")
		})
	})
}

func TestRole_OfAStoppedProcessIsBusyAndItGoesOnAfterwards(t *testing.T) {
	for _, b := range named {
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b})
		child := shmtest.Child(t, "send-numbers", b.String(), name(t, pipe), "-")
		child.Expect("sending")
		c := consumer(t, pipe)
		buf := make([]byte, 4096)
		expect := uint64(0)
		receiveSome := func(n int) {
			for range n {
				got, err := c.Receive(soon(t), buf)
				require.NoError(t, err)
				_, seq := readNumbered(t, buf[:got])
				require.Equal(t, expect, seq)
				expect++
			}
		}
		receiveSome(1000)
		child.Stop()
		for { // drain what it had sent
			got, err := c.TryReceive(buf)
			if err == shmpipe.ErrEmpty {
				break
			}
			require.NoError(t, err)
			_, seq := readNumbered(t, buf[:got])
			require.Equal(t, expect, seq)
			expect++
		}
		for end := time.Now().Add(10 * moment); time.Now().Before(end); time.Sleep(time.Millisecond) {
			requireBusy(t, pipe, "producer", child.Process.Pid)
			_, err := c.TryReceive(buf)
			require.Equal(t, shmpipe.ErrEmpty, err, "stopped is not dead")
		}
		child.Signal(syscall.SIGCONT)
		receiveSome(1000)
		child.Kill()
	}
}

func TestRole_BothInOneProcess(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		p, c := pair(t, shmpipe.Options{Backend: b})
		send(t, p, "to myself")
		receive(t, c, "to myself")
	})
}
