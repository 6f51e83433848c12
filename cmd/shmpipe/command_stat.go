package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"shmpipe"
)

type statOptions struct {
	app   *app
	watch time.Duration
	json  bool
}

func newStat(a *app) *cobra.Command {
	o := &statOptions{app: a}
	cmd := &cobra.Command{
		Use:   "stat NAME",
		Short: "Show a segment's geometry, participants and counters",
		Long: `Shows a segment's geometry, version, participants and counters. The counters count since the segment was made, whoever took part.
With --watch it prints a line for each interval, until it is interrupted. Looking disturbs nobody.

Of an mpmc ring it shows those places that have been used, what the dead left behind and was released, and who holds the others up:
a live participant that has claimed space and does not write, for instance because it was stopped. Nobody takes that away from it.`,
		Example: `  shmpipe stat orders
  shmpipe stat orders --watch 1s
  shmpipe stat orders --json | jq .stats[0].sent`,
		Args:              names(1, 1),
		ValidArgsFunction: a.completeNames,
		RunE:              o.run,
	}
	f := cmd.Flags()
	f.DurationVar(&o.watch, "watch", 0, "print a line for each interval")
	f.BoolVar(&o.json, "json", false, "print JSON; with --watch, an object a line")
	return cmd
}

func (o *statOptions) run(cmd *cobra.Command, args []string) error {
	if cmd.Flags().Changed("watch") && o.watch < 10*time.Millisecond {
		return usagef("watch is %v, want at least 10ms", o.watch)
	}
	opts := o.app.options()
	opts.ReadOnly = true // also what this build, or this user, must not write to
	pipe, err := shmpipe.Open(args[0], &opts)
	if err != nil {
		return elsewhere(err, args[0], opts)
	}
	if o.watch > 0 {
		err = o.follow(cmd, pipe)
	} else {
		err = o.once(pipe)
	}
	return errors.Join(err, pipe.Close())
}

func (o *statOptions) once(pipe *shmpipe.Pipe) error {
	v, err := inspectPatiently(pipe)
	if err != nil {
		return err
	}
	if o.json {
		return o.app.printJSON(v)
	}
	return o.app.print(statText(v))
}

// follow prints a line for each interval: of the first ring as text, of all as JSON.
func (o *statOptions) follow(cmd *cobra.Command, pipe *shmpipe.Pipe) error {
	tick := time.NewTicker(o.watch)
	defer tick.Stop()
	before, err := inspect(pipe)
	if err != nil {
		return err
	}
	at := time.Now()
	for lines := 0; ; lines++ {
		select {
		case <-tick.C:
		case <-cmd.Context().Done():
			return cause(cmd.Context(), cmd.Context().Err())
		}
		now, err := inspect(pipe)
		if err != nil {
			return err
		}
		if now.Blocking = stuck(before, now); o.json {
			err = o.app.printJSONLine(now)
		} else {
			err = o.app.print(watchLine(lines, before, now, time.Since(at)))
		}
		if err != nil {
			return err
		}
		before, at = now, time.Now()
	}
}

// watchLine is a line of counters, with the column names above it now and then.
func watchLine(line int, before, now segmentInfo, d time.Duration) string {
	const format = "%-8s  %12s  %12s  %12s  %10s  %10s\n"
	text := ""
	if line%20 == 0 {
		text = fmt.Sprintf(format, "TIME", "SENT/S", "RECEIVED/S", "BYTES/S", "BACKLOG", "SLEEPS/S")
	}
	var was, is ringStats
	for i := range now.Stats {
		addStats(&was, before.Stats[i])
		addStats(&is, now.Stats[i])
	}
	rate := func(from, to uint64) uint64 { return uint64(perSecond(to-min(from, to), d)) }
	return text + fmt.Sprintf(format, time.Now().Format(time.TimeOnly),
		grouped(rate(was.Sent, is.Sent)), grouped(rate(was.Received, is.Received)), bytesText(rate(was.ReceivedBytes, is.ReceivedBytes)),
		bytesText(is.Backlog), grouped(rate(was.ProducerParks+was.ConsumerParks, is.ProducerParks+is.ConsumerParks)))
}

// addStats sums what a line of --watch shows.
func addStats(sum *ringStats, s ringStats) {
	sum.Sent += s.Sent
	sum.Received += s.Received
	sum.ReceivedBytes += s.ReceivedBytes
	sum.Backlog += s.Backlog
	sum.ProducerParks += s.ProducerParks
	sum.ConsumerParks += s.ConsumerParks
}
