//go:build linux

package crash_test

import (
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// Everybody waits for one who dies, and all of them would recover it. It is done once, and each gets its message.
func TestScenario_ManyRecoverersOfOneDeath(t *testing.T) {
	for range scale(8) {
		pipe := create(t, small, shmpipe.POSIX)
		p := producer(t, pipe)
		var done sync.WaitGroup
		var got [4]string
		for i := range 2 { // two here, with a view of their own; two elsewhere
			c := consumer(t, open(t, pipe, &shmpipe.Options{Follow: true}))
			done.Go(func() {
				if m, err := c.Next(soon(t)); err == nil {
					got[i] = describe(m.Bytes(), m.Redelivered())
					m.Release()
				}
			})
		}
		others := []*shmtest.Process{join(t, pipe, "consumer"), join(t, pipe, "consumer")}
		dead := join(t, pipe, "producer", "claim")
		for _, o := range others {
			o.Tell("take")
		}
		for i := range 4 {
			send(t, p, fmt.Sprint("message ", i))
		}
		time.Sleep(5 * time.Millisecond)
		dead.Signal(syscall.SIGKILL)
		done.Wait()
		for i, o := range others {
			got[2+i] = o.Line()[len("ok "):]
		}
		require.ElementsMatch(t, []string{"message 0", "message 1", "message 2", "message 3"}, got[:])
		s := stats(t, pipe)
		require.EqualValues(t, 1, s.Reaped)
		require.EqualValues(t, 1, s.Abandoned)
		require.Zero(t, s.Recovered)
	}
}

// The descriptor of a segment without a name goes to children, and is of use to them also after its first owner has closed it.
func TestScenario_ASegmentByDescriptorOutlivesItsMaker(t *testing.T) {
	first, err := shmpipe.Create("a-label", small, &shmpipe.Options{Backend: shmpipe.Memfd, Follow: true})
	require.NoError(t, err)
	pipe := open(t, first, &shmpipe.Options{Backend: shmpipe.Memfd, Follow: true})
	from, to := join(t, first, "producer"), join(t, first, "consumer")
	require.NoError(t, first.Close())
	ask(t, from, "send one")
	require.Equal(t, "one", ask(t, to, "take"))
	ask(t, from, "send two")
	ask(t, from, "claim")
	to.Kill()
	from.Kill()
	p, c := producer(t, pipe), consumer(t, pipe)
	expectAll(t, c, "one again", "two")
	goesOn(t, p, c)
}

// inNamespace starts a process in a pid namespace of its own: it is number 1 there, and its pid means nothing here, nor ours there.
func inNamespace(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
}

func needNamespaces(t *testing.T) {
	try := exec.Command("true")
	inNamespace(try)
	if err := try.Run(); err != nil {
		t.Skipf("no pid namespaces for this user: %v", err)
	}
}

func TestScenario_ADeathInAnotherPidNamespaceBlocksNobody(t *testing.T) {
	needNamespaces(t)
	forEachBackend(t, func(t *testing.T, b shmpipe.Backend) {
		pipe := create(t, small, b)
		p, c := producer(t, pipe), consumer(t, pipe)

		claims := joinAs(t, pipe, inNamespace, "producer", "claim")
		send(t, p, "behind it")
		info, err := pipe.Info()
		require.NoError(t, err)
		require.Equal(t, 1, info.Participants[len(info.Participants)-1].PID, "the test is of another namespace")
		start := time.Now()
		claims.Signal(syscall.SIGKILL)
		expect(t, c, "behind it")
		t.Logf("the claim was skipped after %v", time.Since(start))

		send(t, p, "in hand")
		takes := joinAs(t, pipe, inNamespace, "consumer", "take")
		start = time.Now()
		takes.Signal(syscall.SIGKILL)
		expect(t, c, "in hand again")
		t.Logf("the message came to another after %v", time.Since(start))
		goesOn(t, p, c)
		require.EqualValues(t, 2, stats(t, pipe).Reaped)
	})
}

// The other way round: who lives in a namespace of its own learns of a death outside.
func TestScenario_SomebodyInAnotherPidNamespaceRecovers(t *testing.T) {
	needNamespaces(t)
	pipe := create(t, small, shmpipe.POSIX)
	survivor := joinAs(t, pipe, inNamespace, "consumer")
	dead := join(t, pipe, "producer", "send one", "claim")
	other := joinAs(t, pipe, inNamespace, "producer", "send two")
	require.Equal(t, "one", ask(t, survivor, "take"))
	survivor.Tell("take")
	time.Sleep(20 * time.Millisecond)
	start := time.Now()
	dead.Signal(syscall.SIGKILL)
	require.Equal(t, "ok two", survivor.Line())
	t.Logf("after %v", time.Since(start))
	ask(t, other, "close")
	ask(t, survivor, "close")
}
