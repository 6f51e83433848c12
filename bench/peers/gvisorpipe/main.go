// Gvisorpipe measures gVisor's shared memory pipe (gvisor.dev/gvisor/pkg/tcpip/link/sharedmem/pipe) between two processes.
//
//	gvisorpipe thr SIZE COUNT [BATCH]   one way; ends with "... msgs_per_s=X"
//	gvisorpipe rtt SIZE COUNT           ping-pong over two pipes; ends with "... p50_ns=X p99_ns=Y"
//
// Environment: CAP is the bytes of one pipe (default 4194304). COPY=1 copies each message out before it is read. PAUSES is how many
// PAUSE instructions the consumer waits after finding the pipe empty (default 0: a single one, look again).
//
// The process that is started is the consumer; it starts itself again as the producer.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// run is the command line and the environment of one measurement.
type run struct {
	mode    string
	size    int
	count   uint64
	batch   uint64
	cap     int
	pauses  uint32
	copyOut bool
}

var errUsage = errors.New("usage: gvisorpipe thr SIZE COUNT [BATCH] | gvisorpipe rtt SIZE COUNT")

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gvisorpipe:", err)
		if errors.Is(err, errUsage) {
			os.Exit(2)
		}
		os.Exit(1)
	}
}

func start(args []string) error {
	r, err := parse(args)
	if err != nil {
		return err
	}
	p, err := openPair(r.mode, args, r.cap)
	if err != nil {
		return err
	}
	if r.mode == "thr" {
		err = r.throughput(p)
	} else {
		err = r.roundTrips(p)
	}
	if err != nil {
		return err
	}
	return p.finish()
}

func parse(args []string) (run, error) {
	if len(args) < 3 || len(args) > 4 || (args[0] != "thr" && args[0] != "rtt") {
		return run{}, errUsage
	}
	r := run{mode: args[0], batch: 1}
	size, err := number("SIZE", args[1], 8)
	if err != nil {
		return run{}, err
	}
	if r.count, err = number("COUNT", args[2], 1); err != nil {
		return run{}, err
	}
	if len(args) == 4 {
		if r.batch, err = number("BATCH", args[3], 1); err != nil {
			return run{}, err
		}
	}
	capacity, err := environment("CAP", 4<<20)
	if err != nil {
		return run{}, err
	}
	pauses, err := environment("PAUSES", 0)
	if err != nil {
		return run{}, err
	}
	copyOut, err := environment("COPY", 0)
	if err != nil {
		return run{}, err
	}
	// A message and a mark of the wrap must fit, whatever the position: twice the message is enough and keeps both sides moving.
	if 2*(size+16) > capacity {
		return run{}, fmt.Errorf("CAP: got %d, want at least %d for messages of %d bytes", capacity, 2*(size+16), size)
	}
	r.size, r.cap, r.pauses, r.copyOut = int(size), int(capacity), uint32(pauses), copyOut == 1
	return r, nil
}

// number parses text as a whole number of at least low, and at most what every field takes.
func number(what, text string, low uint64) (uint64, error) {
	v, err := strconv.ParseUint(text, 10, 31)
	if err != nil || v < low {
		return 0, fmt.Errorf("%s: got %q, want a whole number of at least %d and less than 2^31", what, text, low)
	}
	return v, nil
}

func environment(name string, otherwise uint64) (uint64, error) {
	text := os.Getenv(name)
	if text == "" {
		return otherwise, nil
	}
	return number(name, text, 0)
}
