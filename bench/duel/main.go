// Command duel is shmpipe's own contestant in the comparisons of docs/benchmarks-rings.md, and that of the kernel's pipe: two processes that
// send messages of one size, every cache line of which is written and read.
//
//	duel thr  SIZE COUNT [BATCH]   one way, as fast as it goes; ends with "… msgs_per_s=X"
//	duel rtt  SIZE COUNT           there and back over two rings; ends with "… p50_ns=X p99_ns=Y"
//	duel load SIZE COUNT RATE      one way at RATE messages a second; latency from the intended send time
//	duel pipe SIZE COUNT           there and back over two pipes of the kernel (os.Pipe), as rtt
//	duel idle MILLISECONDS         CPU time of a consumer that waits on an empty ring for that long
//
// Environment: CAP ring bytes (default 4 MiB); WAIT adaptive, spin, block or poll (Try methods in a loop); COPY=1 receives a copy of
// each message instead of reading it in place; SOURCES=N sends single messages from N buffers in turn, as a batch does; UNPINNED=1
// leaves placement to the scheduler, which is the default with one CPU.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"shmpipe"
)

// contest is one run, as the command line and the environment ask for it.
type contest struct {
	mode     string
	size     int
	count    int
	extra    int // batch or rate
	sources  int // buffers that single messages are sent from
	capacity int
	wait     string
	copyOut  bool
	rate     float64 // messages a second that load came to
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "duel:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	c, err := parse(args)
	if err != nil {
		return err
	}
	modes := map[string]func(*contest) error{"thr": throughput, "rtt": roundTrips, "load": load, "pipe": kernelPipe, "idle": idle}
	f := modes[c.mode]
	if f == nil {
		return fmt.Errorf("mode is %q, want thr, rtt, load, pipe or idle", c.mode)
	}
	return f(c)
}

func parse(args []string) (*contest, error) {
	if len(args) < 2 {
		return nil, fmt.Errorf("want a mode and its numbers; see the source's first lines")
	}
	c := &contest{mode: args[0], capacity: shmpipe.DefaultCapacity, wait: os.Getenv("WAIT"), copyOut: os.Getenv("COPY") == "1"}
	for i, to := range []*int{&c.size, &c.count, &c.extra} {
		if i+1 < len(args) {
			n, err := strconv.Atoi(args[i+1])
			if err != nil || n < 0 {
				return nil, fmt.Errorf("argument %q: want a number", args[i+1])
			}
			*to = n
		}
	}
	for _, v := range []struct {
		name string
		to   *int
	}{{"CAP", &c.capacity}, {"SOURCES", &c.sources}} {
		if s := os.Getenv(v.name); s != "" {
			n, err := strconv.Atoi(s)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("%s is %q: want a number of at least 1", v.name, s)
			}
			*v.to = n
		}
	}
	if c.mode != "idle" && c.size < 8 {
		return nil, fmt.Errorf("size is %d, want at least 8: the sequence number", c.size)
	}
	return c, nil
}

// options are those of both processes.
func (c *contest) options() *shmpipe.Options {
	o := &shmpipe.Options{Backend: shmpipe.Memfd, Prefault: true}
	if w, err := shmpipe.ParseWaitStrategy(c.wait); err == nil {
		o.Wait = w
	}
	return o
}

func (c *contest) report(format string, args ...any) {
	wait := c.wait
	if wait == "" {
		wait = "adaptive"
	}
	fmt.Printf("shmpipe %s size=%d count=%d cap=%d wait=%s copy=%v %s\n", c.mode, c.size, c.count, c.capacity, wait, c.copyOut,
		strings.TrimSpace(fmt.Sprintf(format, args...)))
}
