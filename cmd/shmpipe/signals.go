package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// interruptible is a context that the first signal to stop ends, with errInterrupted as the cause. The second one ends the
// process at once: a verb may hang in a write that nobody reads.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	caught := make(chan os.Signal, 1)
	for _, s := range [...]os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) { // by nohup, or by a shell for its background jobs
			signal.Notify(caught, s)
		}
	}
	go func() {
		select {
		case <-caught:
			signal.Stop(caught)
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(caught)
		cancel(nil)
	}
}

// catchBrokenPipe makes a write to a standard output that nobody reads an error, EPIPE: the runtime would end the process, and
// the role would not be given back in order. The signal is caught rather than ignored, since children inherit what is ignored.
func catchBrokenPipe() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// cause is why ctx ended, if it did, and err otherwise: the library reports the context's error, which does not say.
func cause(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
