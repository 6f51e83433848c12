package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"shmpipe"
)

type producerOptions struct {
	app *app
	geometryFlags
	waitFlag
	frames   string
	block    size
	file     string
	create   bool
	keep     bool
	follow   bool
	generate uint64
	size     size
	rate     float64
	batch    int
	progress bool
	waitFor  time.Duration
}

func newProducer(a *app) *cobra.Command {
	o := &producerOptions{app: a}
	cmd := &cobra.Command{
		Use:   "producer [NAME]",
		Short: "Send standard input as messages",
		Long: `Sends standard input, or a file, or generated messages, and then closes the producer's role and leaves. It makes the segment if the
name is absent; such a segment stays until it is drained, and the last participant that leaves removes it.

A ring has one producer at a time, unless it is made with --mode mpmc: then there may be many, and many consumers. Each producer's
messages keep their order, and each goes to one consumer; with --batch, so do up to so many at once.

Without a name, standard output must be a pipe into a consumer: it carries a short line that brings the two together, and the
bytes go through anonymous memory. Then the producer leaves when all has been received.`,
		Example: `  shmpipe producer orders < big.iso
  seq 1 1000000 | shmpipe producer nums --frames lines
  shmpipe producer load --generate 100000 --size 200 --rate 50000
  shmpipe producer work --mode mpmc --file tasks --frames lines
  shmpipe producer < big.iso | shmpipe consumer | sha256sum`,
		Args:              names(0, 1),
		ValidArgsFunction: a.completeNames,
		RunE:              o.run,
	}
	o.addFlags(cmd)
	return cmd
}

func (o *producerOptions) addFlags(cmd *cobra.Command) {
	frames := newChoice(&o.frames, framingBlocks, []string{framingLines, framingBlocks, framingPrefixed}, nil)
	o.block, o.size = shmpipe.DefaultBlock, 64
	f := cmd.Flags()
	f.Var(frames, "frames", "how the input is cut: blocks (what a read brings, up to --block), lines (a message each, newline not sent), prefixed (a 32-bit little-endian length before each)")
	f.Var(&o.block, "block", "bytes of a message with --frames blocks, at most")
	f.StringVar(&o.file, "file", "", "read this `FILE` rather than standard input")
	o.geometryFlags.add(cmd)
	o.waitFlag.add(cmd)
	f.BoolVar(&o.create, "create", true, "make the segment if the name is absent")
	f.BoolVar(&o.keep, "keep", false, "a segment made here stays when it is drained, until it is removed with rm")
	f.BoolVar(&o.follow, "follow", false, "wait for a new consumer when the consumer has left or died")
	f.Uint64Var(&o.generate, "generate", 0, "send `N` numbered, time-stamped, checksummed messages rather than input")
	f.Var(&o.size, "size", fmt.Sprintf("bytes of a generated message, at least %d", stampSize))
	f.Float64Var(&o.rate, "rate", 0, "generated messages a second; 0 = as many as possible")
	f.IntVar(&o.batch, "batch", 0, "send up to `K` messages at once; 0 = up to 64 of what a read brings, 1 of what is generated")
	f.BoolVar(&o.progress, "progress", false, "show progress on standard error (default: if it is a terminal)")
	f.DurationVar(&o.waitFor, "wait-for", 10*time.Second, "without a name: how long to wait for the consumer")
	must(cmd.RegisterFlagCompletionFunc("frames", frames.complete))
}

// needName are flags about what anonymous memory does not have.
var needName = []string{"backend", "keep", "create", "follow", "dir", "on-consumer-death"}

// validate finds flags that contradict each other.
func (o *producerOptions) validate(cmd *cobra.Command, named bool) error {
	f := cmd.Flags()
	given := func(names ...string) string {
		for _, n := range names {
			if f.Changed(n) {
				return n
			}
		}
		return ""
	}
	if err := o.geometryFlags.validate(cmd, named); err != nil {
		return err
	}
	generate := f.Changed("generate")
	switch {
	case generate && given("file", "frames", "block") != "":
		return usagef("--%s is about input, and --generate reads none", given("file", "frames", "block"))
	case !generate && given("size", "rate") != "":
		return usagef("--%s is about generated messages: it needs --generate", given("size", "rate"))
	case generate && o.size < stampSize:
		return usagef("size is %d bytes, a generated message has at least %d", o.size, stampSize)
	case o.rate < 0 || o.rate != o.rate:
		return usagef("rate is %v, want 0 or more messages a second", o.rate)
	case o.batch < 0:
		return usagef("batch is %d, want 0 or more messages", o.batch)
	case !generate && o.frames == framingBlocks && o.batch > 1:
		return usagef("--batch is for small messages: it needs --frames lines, --frames prefixed or --generate")
	case o.frames != framingBlocks && f.Changed("block"):
		return usagef("--block is for --frames blocks, got --frames %s", o.frames)
	case o.block == 0:
		return usagef("block is 0 bytes, want at least 1")
	case !named && given(needName...) != "":
		return usagef("--%s needs a name: without one, the bytes go through anonymous memory", given(needName...))
	}
	return nil
}

func (o *producerOptions) run(cmd *cobra.Command, args []string) error {
	if err := o.validate(cmd, len(args) == 1); err != nil {
		return err
	}
	if len(args) == 0 && !isPipe(o.app.out) {
		return &usageError{
			errors.New("no name given, and standard output is no pipe"),
			"name the segment (`shmpipe producer NAME`), or pipe into a consumer (`shmpipe producer | shmpipe consumer`)",
		}
	}
	ctx := cmd.Context()
	source, err := o.source(ctx)
	if err != nil {
		return err
	}
	defer source.close()
	if len(args) == 0 {
		return o.runUnnamed(ctx, source)
	}
	return o.runNamed(ctx, cmd, args[0], source)
}

func (o *producerOptions) runNamed(ctx context.Context, cmd *cobra.Command, name string, source *source) error {
	opts := o.app.options()
	opts.Perm, opts.Wait, opts.Transient, opts.Follow = o.fileMode(), o.value(), !o.keep, o.follow
	pipe, p, err := attachProducer(ctx, name, o.create, o.geometry(), &opts)
	if err != nil {
		return err
	}
	s := &sending{options: o, pipe: pipe, p: p, source: source}
	if info, err := pipe.Info(); err == nil {
		v := describe(info)
		s.many = v.Mode == shmpipe.MPMC.String()
		o.app.sayWhy(v, cmd.Flags().Changed("capacity"))
		if flags := o.differs(cmd, v); len(flags) > 0 {
			o.app.say("%s was there already, %s, with a capacity of %s and messages of at most %s; without effect: %s", v.Path, v.Mode,
				bytesText(uint64(v.Capacity)), bytesText(uint64(v.MaxMessage)), strings.Join(flags, ", "))
		}
	}
	return s.run(ctx)
}

func (o *producerOptions) runUnnamed(ctx context.Context, source *source) error {
	opts := o.app.options()
	opts.Wait = o.value()
	pipe, p, err := offer(ctx, o.app.out, o.waitFor, o.geometry(), opts)
	if err != nil {
		return err
	}
	ctx, stop := watchReader(ctx, o.app.out)
	defer stop()
	if source.input != nil {
		source.input.follow(ctx)
	}
	s := &sending{options: o, pipe: pipe, p: p, source: source, drain: true}
	return s.run(ctx)
}
