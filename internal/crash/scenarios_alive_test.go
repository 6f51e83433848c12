//go:build linux

package crash_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// processState is the letter that the kernel has for a process: R, S, T (stopped), Z (dead, and nobody has asked for its exit code); "" if
// there is none.
func processState(pid int) string {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return ""
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))[0]
}

// A stopped process is alive. Whoever waits for it waits, and is told for whom.
func TestScenario_AStoppedClaimHolderIsWaitedForAndNamed(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		pipe := create(t, small, b)
		holder, p, c := join(t, pipe, "producer", "claim"), producer(t, pipe), consumer(t, pipe)
		send(t, p, "behind it")
		holder.Stop()
		shmtest.Eventually(t, "it stops", func() bool { return processState(holder.Process.Pid) == "T" })
		_, err := c.Next(within(t, 300*time.Millisecond))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		blocking := blockingOf(t, pipe)
		require.Len(t, blocking, 1)
		require.Equal(t, holder.Process.Pid, blocking[0].PID)
		require.True(t, blocking[0].Stopped)
		require.Equal(t, "producer", blocking[0].Role)
		require.Contains(t, blocking[0].String(), "stopped")
		u, err := pipe.Unblock()
		require.NoError(t, err)
		require.Zero(t, u)
		holder.Signal(syscall.SIGCONT)
		ask(t, holder, "commit at last")
		expect(t, c, "at last", "behind it")
		require.Empty(t, blockingOf(t, pipe))
		goesOn(t, p, c)
		require.Zero(t, stats(t, pipe).Reaped)
	})
}

func TestScenario_AStoppedConsumerThatTheRingIsFullBehindIsWaitedForAndNamed(t *testing.T) {
	pipe := create(t, small, shmpipe.POSIX)
	p := producer(t, pipe)
	holder := join(t, pipe, "consumer")
	send(t, p, "in hand")
	require.Equal(t, "in hand", ask(t, holder, "take"))
	c := consumer(t, pipe)
	holder.Stop()
	for range 15 {
		send(t, p, "x")
		expect(t, c, "x")
	}
	require.ErrorIs(t, p.Send(within(t, 300*time.Millisecond), []byte("y")), context.DeadlineExceeded)
	blocking := blockingOf(t, pipe)
	require.Len(t, blocking, 1)
	require.Equal(t, holder.Process.Pid, blocking[0].PID)
	require.True(t, blocking[0].Stopped)
	require.Equal(t, "consumer", blocking[0].Role)
	holder.Signal(syscall.SIGCONT)
	ask(t, holder, "release")
	goesOn(t, p, c)
	require.Zero(t, stats(t, pipe).Reaped)
}

// A process that is killed while it is stopped is dead.
func TestScenario_AStoppedClaimHolderThatIsKilledBlocksNobody(t *testing.T) {
	pipe := create(t, small, shmpipe.POSIX)
	holder, p, c := join(t, pipe, "producer", "claim"), producer(t, pipe), consumer(t, pipe)
	send(t, p, "behind it")
	holder.Stop()
	time.AfterFunc(50*time.Millisecond, func() { _ = holder.Process.Kill() })
	expect(t, c, "behind it")
	goesOn(t, p, c)
}

func blockingOf(t testing.TB, pipe *shmpipe.Pipe) []shmpipe.Blocking {
	t.Helper()
	info, err := pipe.Info()
	require.NoError(t, err)
	return info.Blocking
}

// Nobody has asked for the dead one's exit code: it has a pid still, but holds nothing.
func TestScenario_ADeadProcessThatNobodyReapsBlocksNobody(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		pipe := create(t, small, b)
		p, c := producer(t, pipe), consumer(t, pipe)
		send(t, p, "one")
		zombie := join(t, pipe, "producer", "consumer", "take", "claim")
		send(t, p, "two")
		zombie.Signal(syscall.SIGKILL)
		expectAll(t, c, "one again", "two")
		goesOn(t, p, c)
		shmtest.Eventually(t, "it is a zombie", func() bool { return processState(zombie.Process.Pid) == "Z" })
		require.EqualValues(t, 2, stats(t, pipe).Reaped)
	})
}

// What a participant starts has none of its leases, also if it lives longer.
func TestScenario_AChildOfTheDeadOneThatLivesOnHoldsNothing(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		pipe := create(t, small, b)
		p, c := producer(t, pipe), consumer(t, pipe)
		send(t, p, "one")
		parent := join(t, pipe, "producer", "consumer", "take", "claim")
		pid, err := strconv.Atoi(ask(t, parent, "spawn"))
		require.NoError(t, err)
		orphan, err := os.FindProcess(pid) // by pidfd: it is that process, or none
		require.NoError(t, err)
		t.Cleanup(func() { _ = orphan.Kill() })
		send(t, p, "two")
		parent.Kill()
		expectAll(t, c, "one again", "two")
		goesOn(t, p, c)
		require.NoError(t, orphan.Signal(syscall.Signal(0)), "it is meant to live on")
		require.EqualValues(t, 2, stats(t, pipe).Reaped)
		maps, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/maps")
		require.NoError(t, err)
		require.NotContains(t, string(maps), "shmpipe")
	})
}

// A group of processes is killed at once, each with something else in hand.
func TestScenario_AKilledProcessGroupBlocksNobody(t *testing.T) {
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		pipe := create(t, small, b)
		p, c := producer(t, pipe), consumer(t, pipe)
		send(t, p, "one", "two")
		group := 0
		inGroup := func(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pgid: group} }
		first := joinAs(t, pipe, inGroup, "consumer", "take")
		group = first.Process.Pid
		joinAs(t, pipe, inGroup, "producer", "claim")
		joinAs(t, pipe, inGroup, "consumer", "take", "producer", "claim")
		joinAs(t, pipe, inGroup, "producer", "consumer")
		send(t, p, "three")
		got, err := syscall.Getpgid(group)
		require.NoError(t, err)
		require.Equal(t, group, got, "the group is the children's own")
		require.NoError(t, syscall.Kill(-group, syscall.SIGKILL))
		expectAll(t, c, "one again", "two again", "three")
		goesOn(t, p, c)
		shmtest.Eventually(t, "all of them are buried", func() bool {
			_, err := pipe.Unblock()
			return err == nil && stats(t, pipe).Reaped == 6
		})
	})
}
