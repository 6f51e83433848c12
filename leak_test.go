//go:build linux

package shmpipe_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/shmtest"
)

// fullVariable has the leak test make all of its 100,000 rounds, which take about half a minute for each backend.
const fullVariable = "SHMPIPE_TEST_FULL"

// The rounds run in a process of their own, so that nothing else in it comes and goes.
func TestLeak_NothingIsLeftOfManySegments(t *testing.T) {
	rounds := scale(10_000)
	if os.Getenv(fullVariable) != "" {
		rounds = 100_000
	}
	for i := range 2 * len(backends) {
		b, mode := backends[i%len(backends)], modes[i/len(backends)]
		n := rounds
		if b != shmpipe.POSIX && os.Getenv(fullVariable) == "" {
			n /= 4
		}
		if mode == shmpipe.MPMC && os.Getenv(fullVariable) == "" {
			n /= 4
		}
		start := time.Now()
		child := shmtest.Child(t, "leak", b.String(), shmtest.TempName(t), strconv.Itoa(n), strconv.Itoa(int(mode)))
		if line := child.Line(); line != "nothing left" {
			t.Fatalf("%v, %v: %s", b, mode, line)
		}
		child.Wait()
		t.Logf("%v, %v: %d rounds, %v each", b, mode, n, time.Since(start)/time.Duration(n))
	}
}

// One segment is opened, a role of it taken and left, and closed, 100,000 times.
func TestLeak_NothingIsLeftOfManyOpenings(t *testing.T) {
	for _, b := range named {
		n := scale(100_000)
		if b != shmpipe.POSIX && os.Getenv(fullVariable) == "" {
			n /= 4
		}
		pipe := create(t, shmpipe.Geometry{Capacity: 4096}, shmpipe.Options{Backend: b})
		start := time.Now()
		child := shmtest.Child(t, "reopen", b.String(), name(t, pipe), strconv.Itoa(n))
		if line := child.Line(); line != "nothing left" {
			t.Fatalf("%v: %s", b, line)
		}
		child.Wait()
		info, err := pipe.Info()
		require.NoError(t, err)
		require.Equal(t, uint64(n/2+1), info.Participants[0].Epoch, "each opening took a role")
		t.Logf("%v: %d openings, %v each", b, n, time.Since(start)/time.Duration(n))
	}
}

func roleReopen(args []string) error {
	b, err := shmpipe.ParseBackend(args[0])
	if err != nil {
		return err
	}
	rounds, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	opts := &shmpipe.Options{Backend: b}
	visit := func(i int) error {
		p, err := shmpipe.Open(args[1], opts)
		if err != nil {
			return err
		}
		if i%2 == 0 {
			v, err := p.Producer()
			if err != nil {
				return err
			}
			return errors.Join(v.Close(), p.Close())
		}
		c, err := p.Consumer()
		if err != nil {
			return err
		}
		return errors.Join(p.Close(), c.Close())
	}
	if err := errors.Join(visit(0), visit(1)); err != nil { // what is made once and kept is made now
		return err
	}
	before := shmtest.Take()
	for i := range rounds {
		if err := visit(i); err != nil {
			return fmt.Errorf("opening %d: %w", i, err)
		}
	}
	if left := before.Leaks(); left != "" {
		shmtest.Say("%q", left)
		return nil
	}
	shmtest.Say("nothing left")
	return nil
}

func roleLeak(args []string) error {
	b, err := shmpipe.ParseBackend(args[0])
	if err != nil {
		return err
	}
	rounds, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	mode, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	geo := shmpipe.Geometry{Mode: shmpipe.Mode(mode), Capacity: 4096, Participants: 2}
	if err := openAndClose(b, args[1], geo); err != nil { // what is made once and kept is made now
		return err
	}
	before := shmtest.Take()
	for i := range rounds {
		if err := openAndClose(b, args[1], geo); err != nil {
			return fmt.Errorf("round %d: %w", i, err)
		}
	}
	if left := before.Leaks(); left != "" {
		shmtest.Say("%q", left)
		return nil
	}
	list, err := shmpipe.List(&shmpipe.Options{Backend: b})
	for _, e := range list {
		if e.Name == args[1] {
			shmtest.Say("segment %s is there", e.Name)
		}
	}
	shmtest.Say("nothing left")
	return err
}

// openAndClose does each of the things that obtain something: create, open, both roles, errors on the way, close, remove.
func openAndClose(b shmpipe.Backend, name string, geo shmpipe.Geometry) error {
	opts := &shmpipe.Options{Backend: b}
	p, err := shmpipe.Create(name, geo, opts)
	if err != nil {
		return err
	}
	q := p
	if b == shmpipe.Memfd {
		f, err := p.File()
		if err != nil {
			return err
		}
		q, err = shmpipe.OpenFile(f, opts)
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	} else if q, err = shmpipe.Open(name, opts); err != nil {
		return err
	}
	v, err := p.Producer()
	if err != nil {
		return err
	}
	c, err := q.Consumer()
	if err != nil {
		return err
	}
	if _, err := q.Producer(); !errors.Is(err, shmpipe.ErrBusy) && !errors.Is(err, shmpipe.ErrTooManyParticipants) {
		return fmt.Errorf("second producer: %w", err)
	}
	if b != shmpipe.Memfd {
		if _, err := shmpipe.Create(name, geo, opts); err == nil {
			return errors.New("created twice")
		}
	}
	if err := v.Send(ctx, []byte("x")); err != nil {
		return err
	}
	if _, err := c.Receive(ctx, make([]byte, 1)); err != nil {
		return err
	}
	if err := errors.Join(v.Close(), c.Close(), p.Close(), q.Close()); err != nil || b == shmpipe.Memfd {
		return err
	}
	return shmpipe.Remove(name, false, opts)
}
