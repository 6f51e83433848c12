//go:build linux

package crowd

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe/bench/vyukov"
	"shmpipe/internal/shmtest"
)

func TestMain(m *testing.M) {
	if len(os.Args) > len(subcommand) && slices.Equal(os.Args[1:1+len(subcommand)], subcommand) {
		os.Exit(Main(subcommand, os.Args[1+len(subcommand):], os.Stdout, os.Stderr))
	}
	if isChild() {
		fmt.Fprintln(os.Stderr, "a child that does not get to Main: it would run the tests, and they would start children")
		os.Exit(1)
	}
	// The race detector has a process wait for a second before it ends, to no purpose here.
	os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	// What waits for signals is started once and stays: it is no leak.
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR2)
	signal.Stop(c)
	os.Exit(shmtest.Main(m, nil))
}

// run runs a job in children of this process.
func run(j job, limit time.Duration) (result, error) {
	return launch{subcommand, limit}.run(context.Background(), j)
}

// twisted is a textbook queue whose consumers are not well. Children are this test binary too, so they know it.
type twisted struct {
	textbook
	receive func(e *textbookEnd, r *reader) error
}

func (t twisted) consumer(_ job, files []*os.File) (consumer, error) {
	e, err := t.open(files[0])
	return twistedEnd{e, t}, err
}

type twistedEnd struct {
	*textbookEnd
	twist twisted
}

func (e twistedEnd) receive(r *reader) error { return e.twist.receive(e.textbookEnd, r) }

// next takes a message, whatever it is.
func next(e *textbookEnd, buf []byte) uint64 {
	for {
		if _, ok := e.Dequeue(buf); ok {
			return binary.LittleEndian.Uint64(buf)
		}
		yield()
	}
}

func init() {
	contestants["spsc-copy"] = engine{mode: contestants["spsc"].(engine).mode, copyOut: true}
	contestants["test-stuck"] = twisted{receive: func(*textbookEnd, *reader) error { select {} }}
	contestants["test-failing"] = twisted{receive: func(*textbookEnd, *reader) error { return errors.New("out of order") }}
	contestants["test-dying"] = twisted{receive: func(*textbookEnd, *reader) error { os.Exit(7); return nil }}
	// One that loses message 5 of producer 0, and one that gets it twice.
	for name, times := range map[string]int{"test-losing": 0, "test-doubling": 2} {
		contestants[name] = twisted{receive: func(e *textbookEnd, r *reader) error {
			buf := make([]byte, r.size)
			for !r.done {
				n := 1
				if next(e, buf) == 5 {
					n = times
				}
				for range n {
					if err := r.check(buf); err != nil {
						return err
					}
				}
			}
			return nil
		}}
	}
	// One that takes the others' poison too.
	contestants["test-greedy"] = twisted{textbook: textbook{pauses: 1, yieldsAfter: 1}, receive: func(e *textbookEnd, r *reader) error {
		if err := e.receive(r); err != nil {
			return err
		}
		buf := make([]byte, r.size)
		for range 50 {
			e.Dequeue(buf)
			doze()
		}
		return nil
	}}
}

func aJob(name string, producers, consumers int) job {
	return job{Name: name, Shape: shape{producers, consumers}, Size: 64, Count: 3000, Ring: 64 << 10, Wait: "adaptive"}
}

const enough = 30 * time.Second

func TestRun_CountsEveryMessageOfEveryContestant(t *testing.T) {
	for name, c := range contestants {
		if strings.HasPrefix(name, "test-") {
			continue
		}
		for _, s := range []shape{{1, 1}, {2, 2}, {4, 1}, {1, 4}} {
			if c.alone() && s.processes() > 2 {
				continue
			}
			for _, size := range []int{8, 64, 1000} {
				j := aJob(name, s.Producers, s.Consumers)
				j.Size = size
				if name == "vyukov" && s.processes() > 2 {
					j.Count = 500 // where there are few CPUs, it spins while others could run
				}
				require.NoError(t, j.check())
				r, err := run(j, enough)
				require.NoError(t, err, "%+v", j)
				require.Positive(t, r.rate())
				require.Less(t, r.elapsed, enough)
				require.Positive(t, r.cpuPerMessage())
				if slices.Contains(kernelQueues, name) { // has what the kernel gives
					require.Positive(t, r.bytes)
				} else {
					require.InDelta(t, j.Ring, r.bytes, float64(j.Ring)/2)
				}
				require.Contains(t, r.String(), fmt.Sprintf("%s %v size=%d count=%d ", name, s, size, j.Count))
			}
		}
	}
}

func TestRun_KillsItsChildrenWhenTheTimeIsUp(t *testing.T) {
	start := time.Now()
	_, err := run(aJob("test-stuck", 2, 2), 500*time.Millisecond)
	require.EqualError(t, err, "test-stuck 2x2: not done after 500ms: killed")
	require.Less(t, time.Since(start), enough)
	requireNoChildren(t)
}

func TestRun_EndsAllWhenOneFails(t *testing.T) {
	for name, want := range map[string]string{"test-failing": "out of order", "test-dying": "exit status 7"} {
		start := time.Now()
		_, err := run(aJob(name, 2, 1), 10*enough)
		require.ErrorContains(t, err, name+" 2x1: process 2: exit status")
		require.ErrorContains(t, err, want)
		require.Less(t, time.Since(start), enough)
		requireNoChildren(t)
	}
}

func TestRun_NoticesLostAndDoubledMessages(t *testing.T) {
	_, err := run(aJob("test-losing", 2, 1), enough)
	require.ErrorContains(t, err, "of producer 0 came {next:0 count:2999 ")
	require.ErrorContains(t, err, "some are lost or doubled")
	_, err = run(aJob("test-doubling", 2, 1), enough)
	require.ErrorContains(t, err, "message 5 of producer 0 came after message 5")
}

func TestRun_EndsAlsoIfAConsumerTakesThePoisonOfAnother(t *testing.T) {
	for range 3 {
		_, err := run(aJob("test-greedy", 2, 3), enough)
		require.NoError(t, err)
	}
}

func TestRun_SaysWhyAQueueCannotBeMade(t *testing.T) {
	j := aJob("spsc", 1, 1)
	j.Ring = 1 << 60
	_, err := run(j, enough)
	require.ErrorContains(t, err, "spsc 1x1: ")
	j = aJob("vyukov", 1, 1)
	j.Ring = 1 << 41
	_, err = run(j, enough)
	require.ErrorContains(t, err, "vyukov 1x1: allocate ")
}

// requireNoChildren fails the test if a child of this process is left.
func requireNoChildren(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob("/proc/self/task/*/children")
	require.NoError(t, err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err == nil { // the thread may have ended
			require.Empty(t, string(b))
		}
	}
}

func TestSharedFile_HasNoName(t *testing.T) {
	f, err := sharedFile(vyukov.Bytes(4, 8))
	require.NoError(t, err)
	defer f.Close()
	require.NoFileExists(t, f.Name())
	info, err := f.Stat()
	require.NoError(t, err)
	require.EqualValues(t, vyukov.Bytes(4, 8), info.Size())
}

func TestRun_ChildrenStartNoChildren(t *testing.T) {
	t.Setenv(jobVariable, "{}")
	_, err := run(aJob("mpmc", 1, 1), enough)
	require.ErrorContains(t, err, "a child of a run starts none of its own")
	_, err = run(aJob("sysv-mq", 1, 1), enough)
	require.ErrorContains(t, err, "a child of a run starts none of its own", "nor a keeper")
	requireNoChildren(t)
}

func TestRun_SaysSoIfThePrefixDoesNotLeadToMain(t *testing.T) {
	for _, name := range []string{"mpmc", "sysv-mq"} {
		_, err := launch{[]string{"elsewhere"}, enough}.run(context.Background(), aJob(name, 1, 1))
		require.ErrorContains(t, err, "a child that does not get to Main")
	}
	requireNoChildren(t)
}
