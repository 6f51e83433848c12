// Command crowd measures queues of many producers and many consumers, each a process of its own, as duel does for one of each.
//
//	crowd [flags] NAME NxM SIZE COUNT   N producers send COUNT messages of SIZE bytes each to M consumers; ends with "… msgs_per_s=X cpu_ns_per_msg=Y"
//	crowd compare [flags]               all contestants in several shapes, interleaved: a table in Markdown on standard output
//
// Contestants: see contestants.go. All get the same number of bytes of ring. Processes are pinned to the allowed CPUs in turn, producers
// first, and start together. The rate is that of all messages from the first process's start to the end of the last one, where the end
// of a consumer is when it learns that there is no more. CPU time is that of all processes between their starts and their ends.
//
// Each message carries the number of its producer and its own in every 64 bytes and in its last word; the consumer reads them all, so
// a message that is torn, late or doubled ends the run with an error, and so does one that is lost.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"time"

	"shmpipe"
)

func main() {
	var err error
	switch {
	case isChild():
		err = child()
	case len(os.Args) > 1 && os.Args[1] == "compare":
		err = compare(os.Args[2:])
	default:
		err = once(os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "crowd:", err)
		os.Exit(1)
	}
}

// once is a single run.
func once(args []string) error {
	var j job
	set := flag.NewFlagSet("crowd", flag.ExitOnError)
	limit := j.flags(set)
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() != 4 {
		return fmt.Errorf("want a contestant (%s), a shape such as 2x2, a size and a count; see the source's first lines", names())
	}
	j.Name = set.Arg(0)
	var err error
	if j.Shape, err = parseShape(set.Arg(1)); err != nil {
		return err
	}
	for i, to := range []*int{&j.Size, &j.Count} {
		if *to, err = strconv.Atoi(set.Arg(2 + i)); err != nil {
			return fmt.Errorf("argument %q: want a number", set.Arg(2+i))
		}
	}
	if err := j.check(); err != nil {
		return err
	}
	r, err := run(j, *limit)
	if err != nil {
		return err
	}
	fmt.Println(r)
	return nil
}

// flags are those that a single run and a comparison share.
func (j *job) flags(set *flag.FlagSet) (limit *time.Duration) {
	set.IntVar(&j.Ring, "ring", shmpipe.DefaultCapacity, "bytes of ring that each contestant gets")
	set.StringVar(&j.Wait, "wait", "adaptive", "how shmpipe waits: adaptive, spin or block")
	set.BoolVar(&j.Unpinned, "unpinned", false, "leave the choice of CPUs to the scheduler")
	return set.Duration("limit", time.Minute, "end a run that takes longer")
}
