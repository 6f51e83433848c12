//go:build linux

package crash_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
	"shmpipe/segment"
)

func init() { roles["churn"] = roleChurn }

// roleChurn makes or opens a segment, attaches, sends, receives, leaves and removes it, without end, together with others that do the
// same under the same name.
func roleChurn(args []string) error {
	b, err := shmpipe.ParseBackend(args[0])
	if err != nil {
		return err
	}
	mode, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(args[3], 10, 64)
	if err != nil {
		return err
	}
	random := shmtest.NewRand(seed)
	shmtest.Say("begins")
	stop := make(chan struct{})
	go func() {
		shmtest.Hear()
		close(stop)
	}()
	for n := 0; ; n++ {
		select {
		case <-stop:
			shmtest.Say("made %d", n)
			return nil
		default:
		}
		if err := churn(b, args[1], shmpipe.Mode(mode), random.IntN(4) > 0); err != nil {
			return fmt.Errorf("round %d: %w", n, err)
		}
	}
}

// common are what others may do to us at any time. Among them: between two looks of one who opens it, a SysV segment may have been
// made and its lock file have gone again.
var common = []error{segment.ErrLockFile, fs.ErrNotExist, fs.ErrExist, shmpipe.ErrBusy, shmpipe.ErrRemoved, shmpipe.ErrNotReady, shmpipe.ErrFull, shmpipe.ErrEmpty,
	shmpipe.ErrPeerClosed, shmpipe.ErrPeerDied, context.DeadlineExceeded}

func churn(b shmpipe.Backend, name string, mode shmpipe.Mode, force bool) (err error) {
	defer func() {
		if slices.ContainsFunc(common, func(c error) bool { return errors.Is(err, c) }) {
			err = nil
		}
	}()
	opts := &shmpipe.Options{Backend: b}
	geo := shmpipe.Geometry{Mode: mode, Capacity: 4096}
	pipe, err := shmpipe.OpenOrCreate(name, geo, opts)
	if err != nil {
		return err
	}
	defer pipe.Close()
	p, err := pipe.Producer()
	if err != nil {
		return err
	}
	defer p.Close()
	c, err := pipe.Consumer()
	if err != nil {
		return err
	}
	defer c.Close()
	for range 3 {
		// What others left behind may have filled it: then somebody has to make room.
		if err := p.TrySend(make([]byte, 500)); err != nil && err != shmpipe.ErrFull {
			return err
		}
		m, err := c.TryNext()
		if err != nil {
			return err
		}
		m.Release()
	}
	if err := errors.Join(p.Close(), c.Close(), pipe.Close()); err != nil {
		return err
	}
	return shmpipe.Remove(name, force, opts)
}

// Processes that make, use and remove a segment of the same name are killed at random. Whoever comes next can use the name, and nothing
// is left of the dead.
func TestScenario_KilledWhileMakingAttachingLeavingOrRemoving(t *testing.T) {
	for _, b := range []shmpipe.Backend{shmpipe.POSIX, shmpipe.SysV} {
		for _, mode := range []shmpipe.Mode{shmpipe.SPSC, shmpipe.MPMC} {
			t.Run(fmt.Sprintf("%v,%v", b, mode), func(t *testing.T) { killChurners(t, b, mode) })
		}
	}
}

func killChurners(t *testing.T, b shmpipe.Backend, mode shmpipe.Mode) {
	random := shmtest.Rand(t)
	name := shmtest.TempName(t)
	start := func() *shmtest.Process {
		p := shmtest.Child(t, "churn", b.String(), name, strconv.Itoa(int(mode)), strconv.FormatUint(random.Uint64(), 10))
		p.Expect("begins")
		return p
	}
	other, next := start(), start()
	for range scale(60) {
		victim := next
		next = start()
		time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
		victim.Kill()
		// The newcomer here shares the name with the others, who may remove it under its feet at any time: it gets it in the end.
		shmtest.Eventually(t, "a newcomer uses the name", func() bool { return use(t, b, name, mode) })
	}
	for _, p := range []*shmtest.Process{other, next} {
		p.Tell("stop")
		made := p.Line()
		require.True(t, strings.HasPrefix(made, "made "), made)
		p.Wait()
		t.Log(made)
	}
	// Alone now: everything works, and nothing is left.
	shmtest.Eventually(t, "the name can be used alone", func() bool { return use(t, b, name, mode) })
	if err := shmpipe.Remove(name, false, &shmpipe.Options{Backend: b}); err != nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	list, err := shmpipe.List(&shmpipe.Options{Backend: b})
	require.NoError(t, err)
	for _, e := range list {
		require.NotEqual(t, name, e.Name)
	}
}

// use opens or makes the segment, and sends a message through it. It reports whether that went well; others may be in the way.
func use(t *testing.T, b shmpipe.Backend, name string, mode shmpipe.Mode) bool {
	pipe, err := shmpipe.OpenOrCreate(name, shmpipe.Geometry{Mode: mode, Capacity: 4096}, &shmpipe.Options{Backend: b, Follow: true})
	if err != nil {
		requireCommon(t, err)
		return false
	}
	defer pipe.Close()
	p, err := pipe.Producer()
	if err != nil {
		requireCommon(t, err)
		return false
	}
	defer p.Close()
	c, err := pipe.Consumer()
	if err != nil {
		requireCommon(t, err)
		return false
	}
	defer c.Close()
	if err := p.Send(within(t, 200*time.Millisecond), []byte("hello")); err != nil {
		requireCommon(t, err)
		_, _ = c.TryReceive(make([]byte, 4096)) // it may be full of what others left behind
		return false
	}
	if _, err := c.Receive(within(t, 200*time.Millisecond), make([]byte, 4096)); err != nil {
		requireCommon(t, err) // MPMC: another one got it
		return mode == shmpipe.MPMC
	}
	return true
}

func requireCommon(t *testing.T, err error) {
	t.Helper()
	require.True(t, slices.ContainsFunc(common, func(c error) bool { return errors.Is(err, c) }), "%v", err)
}
