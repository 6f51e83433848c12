//go:build linux

package shmpipe_test

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

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
	for _, b := range backends {
		n := rounds
		if b != shmpipe.POSIX && os.Getenv(fullVariable) == "" {
			n /= 4
		}
		start := time.Now()
		child := shmtest.Child(t, "leak", b.String(), shmtest.TempName(t), strconv.Itoa(n))
		if line := child.Line(); line != "nothing left" {
			t.Fatalf("%v: %s", b, line)
		}
		child.Wait()
		t.Logf("%v: %d rounds, %v each", b, n, time.Since(start)/time.Duration(n))
	}
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
	if err := openAndClose(b, args[1]); err != nil { // what is made once and kept is made now
		return err
	}
	before := shmtest.Take()
	for i := range rounds {
		if err := openAndClose(b, args[1]); err != nil {
			return fmt.Errorf("round %d: %w", i, err)
		}
	}
	if left := before.Leaks(); left != "" {
		shmtest.Say("%q", left)
		return nil
	}
	list, err := shmpipe.List(&shmpipe.Options{Backend: b})
	if b == shmpipe.Memfd && errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	for _, e := range list {
		if e.Name == args[1] {
			shmtest.Say("segment %s is there", e.Name)
		}
	}
	shmtest.Say("nothing left")
	return err
}

// openAndClose does each of the things that obtain something: create, open, both roles, errors on the way, close, remove.
func openAndClose(b shmpipe.Backend, name string) error {
	opts := &shmpipe.Options{Backend: b}
	p, err := shmpipe.Create(name, shmpipe.Geometry{Capacity: 4096}, opts)
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
	if _, err := q.Producer(); !errors.Is(err, shmpipe.ErrBusy) {
		return fmt.Errorf("second producer: %w", err)
	}
	if b != shmpipe.Memfd {
		if _, err := shmpipe.Create(name, shmpipe.Geometry{Capacity: 4096}, opts); err == nil {
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
