package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"shmpipe"
)

type consumerOptions struct {
	app *app
	waitFlag
	frames    string
	file      string
	count     uint64
	producers int
	follow    bool
	timeout   time.Duration
	waitFor   time.Duration
	buffer    size
	verify    bool
	latency   bool
	json      bool
	progress  bool
}

func newConsumer(a *app) *cobra.Command {
	o := &consumerOptions{app: a}
	cmd := &cobra.Command{
		Use:   "consumer [NAME]",
		Short: "Write the messages received to standard output",
		Long: `Waits for the segment to appear, takes the consumer's role and writes what comes to standard output or a file. It ends at the end of
stream: a producer was there, has closed, and the ring is drained. If the producer died without closing, it writes what had been
committed, says so, and exits 1.

A ring that was made with --mode mpmc may have many consumers, and many producers. Each message goes to one of the consumers.
The stream ends when at least --producers have come, and all that have come have closed. If one of them died, and nobody took
its place, each consumer says so at the end and exits 1.

A message is finished when its bytes have been written: if this consumer is killed, the next one gets the message that was in
hand again, and says so; in an mpmc ring, another consumer does. --buffer trades that for speed with small messages.

With --verify or --latency, the messages are those of ` + "`shmpipe producer --generate`" + `; they are looked at, and written only if --file is given.
Where several consumers share an mpmc ring, --verify checks each consumer's share: no number twice, unless it came again after a
death, rising for each producer, and the checksum. What is lost then shows in ` + "`shmpipe stat --json`" + `: sent and received must be equal.
A consumer that was the only one checks that every number came.

Without a name, standard input must be a pipe from a producer.`,
		Example: `  shmpipe consumer orders > copy
  shmpipe consumer nums --frames lines | tail -1
  shmpipe consumer load --verify --latency
  shmpipe consumer work --producers 3 --frames lines
  shmpipe producer < big.iso | shmpipe consumer | sha256sum`,
		Args:              names(0, 1),
		ValidArgsFunction: a.completeNames,
		RunE:              o.run,
	}
	o.addFlags(cmd)
	return cmd
}

func (o *consumerOptions) addFlags(cmd *cobra.Command) {
	frames := newChoice(&o.frames, framingRaw, []string{framingRaw, framingLines, framingPrefixed}, nil)
	f := cmd.Flags()
	f.Var(frames, "frames", "what is written: raw (the bytes), lines (a newline after each message), prefixed (a 32-bit little-endian length before each)")
	f.StringVar(&o.file, "file", "", "write this `FILE` rather than standard output")
	f.Uint64Var(&o.count, "count", 0, "stop after `N` messages; 0 = go on to the end of stream")
	f.IntVar(&o.producers, "producers", 1, "the stream ends when at least `N` producers have come and all have closed")
	f.BoolVar(&o.follow, "follow", false, "go on after the end of stream and after a producer's death")
	f.DurationVar(&o.timeout, "timeout", 0, "fail if no message comes for that long; 0 = wait")
	f.DurationVar(&o.waitFor, "wait-for", 10*time.Second, "how long to wait for the segment to appear")
	f.Var(&o.buffer, "buffer", "gather up to so many bytes before writing; they are written when the ring is empty, and lost if this process is killed")
	f.BoolVar(&o.verify, "verify", false, "check generated messages: every number once (of several consumers: each its share), in order, checksum; exit 1 if not")
	f.BoolVar(&o.latency, "latency", false, "print a table of the latencies of generated messages")
	f.BoolVar(&o.json, "json", false, "print the outcome of --verify and --latency as JSON")
	f.BoolVar(&o.progress, "progress", false, "show progress on standard error")
	o.waitFlag.add(cmd)
	must(cmd.RegisterFlagCompletionFunc("frames", frames.complete))
}

// examines reports whether messages are looked at rather than written.
func (o *consumerOptions) examines() bool { return o.verify || o.latency }

func (o *consumerOptions) validate(cmd *cobra.Command, named bool) error {
	f := cmd.Flags()
	switch {
	case o.producers < 1:
		return usagef("producers is %d, want 1 or more", o.producers)
	case o.timeout < 0 || o.waitFor < 0:
		return usagef("a time is negative: --timeout %v --wait-for %v", o.timeout, o.waitFor)
	case o.json && !o.examines():
		return usagef("--json is about the outcome of --verify or --latency")
	case f.Changed("count") && o.count == 0:
		return usagef("count is 0, want 1 or more messages")
	}
	if !named {
		for _, n := range [...]string{"backend", "follow", "dir", "producers"} {
			if f.Changed(n) {
				return usagef("--%s needs a name: without one, the bytes come through anonymous memory", n)
			}
		}
	}
	return nil
}

func (o *consumerOptions) run(cmd *cobra.Command, args []string) error {
	named := len(args) == 1
	if err := o.validate(cmd, named); err != nil {
		return err
	}
	if !named && !isPipe(o.app.in) {
		return &usageError{
			errors.New("no name given, and standard input is no pipe"),
			"name the segment (`shmpipe consumer NAME`), or pipe a producer into it (`shmpipe producer | shmpipe consumer`)",
		}
	}
	ctx := cmd.Context()
	out, err := o.output(ctx)
	if err != nil {
		return err
	}
	pipe, c, err := o.attach(ctx, args)
	if err != nil {
		return errors.Join(err, out.close())
	}
	r := &receiving{options: o, pipe: pipe, c: c, out: out}
	return r.run(ctx)
}

func (o *consumerOptions) attach(ctx context.Context, args []string) (*shmpipe.Pipe, *shmpipe.Consumer, error) {
	opts := o.app.options()
	opts.Wait, opts.Follow, opts.Producers = o.value(), o.follow, o.producers
	if len(args) == 0 {
		return accept(ctx, o.app.in, o.waitFor, &opts)
	}
	pipe, c, err := attachConsumer(ctx, args[0], o.waitFor, &opts)
	if err == nil && opts.Backend == shmpipe.Auto {
		if info, infoErr := pipe.Info(); infoErr == nil {
			o.app.sayWhy(describe(info), false)
		}
	}
	return pipe, c, err
}

// output is opened before the segment, so that a file that cannot be written takes no message.
func (o *consumerOptions) output(ctx context.Context) (*output, error) {
	if o.examines() && o.file == "" {
		return &output{close: func() error { return nil }}, nil
	}
	return openOutput(ctx, o.app.out, o.file)
}
