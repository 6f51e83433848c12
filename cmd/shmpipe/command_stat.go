package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
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
With --watch it prints a line for each interval, until it is interrupted. Looking disturbs nobody.`,
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
	pipe, err := shmpipe.Open(args[0], &opts)
	if err != nil {
		return err
	}
	if o.watch > 0 {
		err = o.follow(cmd, pipe)
	} else {
		err = o.once(pipe)
	}
	return errors.Join(err, pipe.Close())
}

func (o *statOptions) once(pipe *shmpipe.Pipe) error {
	v, err := inspect(pipe)
	if err != nil {
		return err
	}
	if o.json {
		return o.app.printJSON(v)
	}
	return o.app.print(statText(v))
}

func statText(v segmentInfo) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	line := func(key, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", key, printable(fmt.Sprintf(format, args...)))
	}
	line("name", "%s", v.Name)
	line("path", "%s (%s)", v.Path, v.Backend)
	line("uuid", "%s", v.UUID)
	line("protocol", "%s", v.Protocol)
	line("mode", "%s, %s", v.Mode, plural(uint64(v.Rings), "ring"))
	line("capacity", "%s (%s bytes), messages of at most %s bytes", bytesText(uint64(v.Capacity)), grouped(uint64(v.Capacity)), grouped(uint64(v.MaxMessage)))
	line("size", "%s", bytesText(uint64(v.Size)))
	line("created", "%s, %s ago", v.Created.Format(time.RFC3339), age(v.Created))
	if v.Transient {
		line("transient", "yes: it goes when it is drained and the last participant leaves")
	}
	w.Flush()
	for i, s := range v.Stats {
		fmt.Fprintf(&b, "\nring %d\n", i)
		ringText(&b, v, i, s)
	}
	return b.String()
}

func ringText(b *strings.Builder, v segmentInfo, ring int, s ringStats) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	line := func(key, format string, args ...any) {
		fmt.Fprintf(w, "  %s\t%s\n", key, printable(fmt.Sprintf(format, args...)))
	}
	for _, p := range v.Participants {
		if p.Ring != ring {
			continue
		}
		if p.State == "never" {
			line(p.Role, "nobody yet")
			continue
		}
		line(p.Role, "%s, pid %d (%s), attached %s, the %s to come", p.State, p.PID, p.Command, p.Attached.Format(time.RFC3339), ordinal(p.Epoch))
	}
	line("sent", "%s, %s bytes", plural(s.Sent, "message"), grouped(s.SentBytes))
	line("received", "%s, %s bytes", plural(s.Received, "message"), grouped(s.ReceivedBytes))
	line("backlog", "%s of %s (%.0f %%)", bytesText(s.Backlog), bytesText(s.Capacity), 100*float64(s.Backlog)/float64(max(s.Capacity, 1)))
	line("redelivered", "%s", grouped(s.Redelivered))
	line("aborted claims", "%s", grouped(s.Aborted))
	line("waits", "%s for space, %s for messages", grouped(s.ProducerWaits), grouped(s.ConsumerWaits))
	line("sleeps", "%s for space, %s for messages", grouped(s.ProducerParks), grouped(s.ConsumerParks))
	line("wake-ups", "%s of the consumer, %s of the producer", grouped(s.ProducerWakes), grouped(s.ConsumerWakes))
	if s.Poisoned {
		line("broken", "yes: see `shmpipe check %s`", v.Name)
	}
	w.Flush()
}

func ordinal(n uint64) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return grouped(n) + suffix
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
		if o.json {
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
