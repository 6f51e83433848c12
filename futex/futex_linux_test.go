package futex

import (
	"math"
	"os"
	"os/signal"
	"runtime"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestNow_IsTheMonotonicClock(t *testing.T) {
	var before, after unix.Timespec
	require.NoError(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &before))
	now := Now()
	require.NoError(t, unix.ClockGettime(unix.CLOCK_MONOTONIC, &after))
	slack := int64(100 * time.Microsecond) // both clocks are read once more at start, and a core may be lost in between
	require.GreaterOrEqual(t, now, before.Nano()-slack)
	require.LessOrEqual(t, now, after.Nano()+slack)
}

func TestWait_WakesAnotherGoroutine(t *testing.T) {
	word := new(uint32)
	done := make(chan error, 1)
	go func() { done <- Wait(word, 0, 0) }()
	eventually(t, "a sleeper to wake", func() bool {
		n, err := Wake(word, 1)
		require.NoError(t, err)
		return n == 1
	})
	require.NoError(t, requireWithin(t, done, "wait"))
}

func waitOnce(b *board) error {
	for load(&b.word) == 0 {
		if err := Wait(&b.word, 0, 0); err != nil {
			return err
		}
	}
	return nil
}

func TestWait_WakesAnotherProcess(t *testing.T) {
	b, path := newBoard(t)
	c := startChild(t, "waiter", path, 0)
	eventually(t, "the child to sleep", func() bool { // it goes back to sleep: the word is still 0
		n, err := Wake(&b.word, 1)
		require.NoError(t, err)
		return n == 1
	})
	store(&b.word, 1)
	_, err := Wake(&b.word, math.MaxInt)
	require.NoError(t, err)
	c.requireSuccess(t)
}

// waitReadOnly sleeps through a mapping that it cannot write to, as an observer does.
func waitReadOnly(*board) error {
	b, _, err := mapBoard(os.Getenv(fileVariable), unix.PROT_READ)
	if err != nil {
		return err
	}
	return waitOnce(b)
}

func TestWait_WorksOnAReadOnlyMapping(t *testing.T) {
	b, path := newBoard(t)
	c := startChild(t, "sleep-read-only", path, 0)
	eventually(t, "the child to sleep", func() bool {
		n, err := Wake(&b.word, 1)
		require.NoError(t, err)
		return n == 1
	})
	store(&b.word, 1)
	_, err := Wake(&b.word, 1)
	require.NoError(t, err)
	c.requireSuccess(t)
}

func TestWait_ReturnsAtOnceWhenTheWordDiffers(t *testing.T) {
	word := uint32(7)
	require.NoError(t, Wait(&word, 8, 0))
	require.NoError(t, Wait(&word, 8, 1), "the word counts before the deadline")
}

func TestWait_RefusesADeadlineInThePast(t *testing.T) {
	for _, deadline := range []int64{1, -1, math.MinInt64, Now() - 1} {
		require.Equal(t, os.ErrDeadlineExceeded, Wait(new(uint32), 0, deadline), "deadline %d", deadline)
	}
}

func TestWait_EndsAtTheDeadlineAndNotBefore(t *testing.T) {
	word := new(uint32)
	deadline := in(30 * time.Millisecond)
	for { // a signal may end a single wait
		if err := Wait(word, 0, deadline); err != nil {
			require.Equal(t, os.ErrDeadlineExceeded, err)
			break
		}
	}
	require.GreaterOrEqual(t, Now(), deadline-int64(100*time.Microsecond))
}

func TestWait_TakesTheFarthestDeadline(t *testing.T) {
	word := new(uint32)
	done := make(chan error, 1)
	go func() { done <- Wait(word, 0, math.MaxInt64) }()
	eventually(t, "a sleeper to wake", func() bool {
		n, err := Wake(word, 1)
		require.NoError(t, err)
		return n == 1
	})
	require.NoError(t, requireWithin(t, done, "wait"))
}

func TestWake_OfNobodyWakesNobody(t *testing.T) {
	word := new(uint32)
	done := make(chan error, 1)
	go func() { done <- Wait(word, 0, 0) }()
	for _, n := range []int{0, -1, math.MinInt} {
		woken, err := Wake(word, n)
		require.NoError(t, err)
		require.Zero(t, woken)
	}
	eventually(t, "a sleeper to wake", func() bool {
		n, err := Wake(word, math.MaxInt)
		require.NoError(t, err)
		return n == 1
	})
	require.NoError(t, requireWithin(t, done, "wait"))
}

func TestBadAddress_IsAnErrorAndNoCrash(t *testing.T) {
	mem, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, unix.Munmap(mem)) })
	word := (*uint32)(unsafe.Pointer(unsafe.SliceData(mem)))

	require.ErrorIs(t, Wait(word, 0, 0), unix.EFAULT)
	require.ErrorIs(t, Wait(nil, 0, 0), unix.EFAULT)
	_, err = Wake(word, 1)
	require.ErrorIs(t, err, unix.EFAULT)
	_, err = Wake(nil, 1)
	require.ErrorIs(t, err, unix.EFAULT)
	require.ErrorIs(t, WaitAny([]Word{{Addr: word}}, 0), unix.EFAULT)
	if HasWaitv() {
		require.ErrorIs(t, WaitAny([]Word{{Addr: new(uint32)}, {Addr: word}}, 0), unix.EFAULT)
	}

	odd := (*uint32)(unsafe.Pointer(&mem[1])) // never dereferenced
	require.ErrorIs(t, Wait(odd, 0, 0), unix.EINVAL)
	require.ErrorContains(t, Wait(odd, 0, 0), "aligned word")
}

// stormOfSignals sends signals to the thread until the test ends.
func stormOfSignals(t *testing.T, thread int) {
	received := make(chan os.Signal, 1)
	signal.Notify(received, unix.SIGUSR1)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Microsecond):
				_ = unix.Tgkill(unix.Getpid(), thread, unix.SIGUSR1)
			}
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-stopped
		signal.Stop(received)
	})
}

func TestWait_FoldsSignals(t *testing.T) {
	bothWays(t, func(t *testing.T) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		stormOfSignals(t, unix.Gettid())

		word, other := new(uint32), new(uint32)
		interrupted := 0
		deadline := in(200 * time.Millisecond)
		for err := error(nil); err == nil; interrupted++ {
			err = Wait(word, 0, deadline)
			if err != nil {
				require.Equal(t, os.ErrDeadlineExceeded, err)
			}
		}
		require.Greater(t, interrupted, 1, "no signal interrupted the wait, so the test tested nothing")

		deadline = in(200 * time.Millisecond)
		for err := error(nil); err == nil; {
			err = WaitAny([]Word{{Addr: word}, {Addr: other}}, deadline)
			if err != nil {
				require.Equal(t, os.ErrDeadlineExceeded, err)
			}
		}

		// The gate goes back to sleep by itself.
		g := NewGate(new(uint32), new(uint32))
		for _, cancel := range []*Cancel{nil, new(Cancel)} {
			deadline = in(200 * time.Millisecond)
			require.Equal(t, os.ErrDeadlineExceeded, g.Sleep(g.Prepare(), deadline, cancel))
			require.GreaterOrEqual(t, Now(), deadline-int64(100*time.Microsecond))
		}
	})
}

func TestHotFunctions_DoNotAllocate(t *testing.T) {
	word, other := new(uint32), new(uint32)
	g := NewGate(new(uint32), new(uint32))
	cancel := new(Cancel)
	stale := g.Prepare() - 1
	HasWaitv()
	for name, call := range map[string]func(){
		"Now":                  func() { Now() },
		"Wake":                 func() { _, _ = Wake(word, 1) },
		"Wait on a mismatch":   func() { _ = Wait(word, 1, 0) },
		"Wait past a deadline": func() { _ = Wait(word, 0, 1) },
		"WaitAny of 4": func() {
			_ = WaitAny([]Word{{Addr: word}, {Addr: other}, {Addr: word}, {Addr: other, Old: 1}}, math.MaxInt64)
		},
		"Gate.Prepare":             func() { g.Prepare() },
		"Gate.Wake":                func() { g.Wake() },
		"Gate.Broadcast":           func() { g.Broadcast() },
		"Gate.Sleep when over":     func() { _ = g.Sleep(stale, 0, cancel) },
		"Gate.Sleep too late":      func() { _ = g.Sleep(load(g.sequence), 1, nil) },
		"Gate.Sleep with cancel":   func() { _ = g.Sleep(load(g.sequence), 1, cancel) },
		"Cancel.Set and Reset":     func() { cancel.Set(); cancel.Reset() },
		"Pause":                    func() { Pause(1) },
		"Wait with a word on hand": func() { _ = WaitAny([]Word{{Addr: word, Old: 1}}, 0) },
	} {
		require.Zero(t, testing.AllocsPerRun(100, call), name)
	}
}
