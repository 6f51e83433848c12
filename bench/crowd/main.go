package crowd

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"shmpipe"
)

// Exit statuses of [Main].
const (
	statusDone   = 0
	statusFailed = 1 // it should have worked
	statusUsage  = 2 // the arguments or the environment say nothing that can be done
	statusCannot = 3 // the contestant cannot do this, here or at all
)

// Main is the command: see the package's description. It returns the exit status; if that is not 0, the last line on stderr says why.
//
// Prefix are the arguments that led the program to Main and are not in args, such as the name of a subcommand: producers and consumers are
// this program again, started with them. A program must therefore get from these arguments to Main by itself, without output of its
// own, and then end with the status. Main is called once in a process: it handles SIGINT and SIGTERM while it runs, so that nothing is left.
//
// The environment gives the defaults of flags: WAIT (busy or block), CAP (bytes) and UNPINNED (1).
func Main(prefix, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	switch {
	case isChild():
		stop() // by default a signal ends it at once
		err = child()
	case len(args) > 0 && args[0] == "compare":
		err = compare(ctx, prefix, args[1:], stdout, stderr)
	default:
		err = once(ctx, prefix, args, stdout, stderr)
	}
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return statusDone
	case isChild(): // the parent says whose error it is
		fmt.Fprintln(stderr, err)
	default:
		fmt.Fprintln(stderr, "crowd:", err)
	}
	switch {
	case errors.As(err, new(cannot)):
		return statusCannot
	case errors.As(err, new(mistake)):
		return statusUsage
	}
	return statusFailed
}

// mistake is an error in what Main was asked for.
type mistake struct{ error }

func (m mistake) Unwrap() error { return m.error }

func mistakef(format string, args ...any) error { return mistake{fmt.Errorf(format, args...)} }

// cannot is why a contestant cannot do what it was asked for.
type cannot struct{ error }

func (c cannot) Unwrap() error { return c.error }

func cannotf(format string, args ...any) error { return cannot{fmt.Errorf(format, args...)} }

// once is a single run.
func once(ctx context.Context, prefix, args []string, stdout, stderr io.Writer) error {
	set := flag.NewFlagSet("crowd", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Usage = func() {
		fmt.Fprintf(stderr, "usage: [flags] NAME NxM SIZE COUNT, or compare [flags]\nNAME is one of %s\nflags:\n", names())
		set.PrintDefaults()
	}
	var j job
	limit, err := j.flags(set)
	if err != nil {
		return err
	}
	if err := set.Parse(args); err != nil {
		return mistake{err}
	}
	if set.NArg() != 4 {
		return mistakef("got %d arguments, want a contestant (%s), a shape such as 2x2, a size and a count", set.NArg(), names())
	}
	j.Name = set.Arg(0)
	if j.Shape, err = parseShape(set.Arg(1)); err != nil {
		return mistake{err}
	}
	for i, to := range []*int{&j.Size, &j.Count} {
		if *to, err = strconv.Atoi(set.Arg(2 + i)); err != nil {
			return mistakef("argument %q: want a number", set.Arg(2+i))
		}
	}
	if err := j.check(); err != nil {
		return err
	}
	r, err := launch{prefix, *limit}.run(ctx, j)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(stdout, r)
	return err
}

// flags are those that a single run and a comparison share. Their defaults are what the environment says.
func (j *job) flags(set *flag.FlagSet) (limit *time.Duration, err error) {
	wait, ring := "adaptive", shmpipe.DefaultCapacity
	switch text := os.Getenv("WAIT"); text {
	case "", "busy":
	case "block":
		wait = text
	default:
		return nil, mistakef("WAIT is %q, want busy or block", text)
	}
	if text := os.Getenv("CAP"); text != "" {
		if ring, err = strconv.Atoi(text); err != nil {
			return nil, mistakef("CAP is %q, want a number of bytes", text)
		}
	}
	set.IntVar(&j.Ring, "ring", ring, "bytes of ring that each contestant gets")
	set.StringVar(&j.Wait, "wait", wait, "how shmpipe waits: adaptive, spin or block")
	set.BoolVar(&j.Unpinned, "unpinned", os.Getenv("UNPINNED") == "1", "leave the choice of CPUs to the scheduler")
	return set.Duration("limit", time.Minute, "end a run that takes longer"), nil
}
