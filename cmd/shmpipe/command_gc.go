package main

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"shmpipe"
)

type collectOptions struct {
	app       *app
	olderThan time.Duration
	unused    bool
	dryRun    bool
	json      bool
}

// collected is what gc did about one segment or queue, as --json has it.
type collected struct {
	Name    string `json:"name"`
	Backend string `json:"backend"`
	Path    string `json:"path"`
	Removed bool   `json:"removed"` // with --dry-run: it would be
	Why     string `json:"why"`
	Backlog uint64 `json:"backlog"` // bytes that nobody had received
	Error   string `json:"error,omitempty"`
}

func newCollect(a *app) *cobra.Command {
	o := &collectOptions{app: a}
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Remove segments and queues whose participants are all gone",
		Long: `Removes every segment and queue, of all backends unless --backend names one, that had participants of which none is left: all have closed or
died, which the kernel proves. What they had not received goes with it; how much that was is said. One that nobody has used yet, such as
one that create has just made, is left alone unless --unused is given. What a creator left that was killed is removed too. With
--older-than, only what was made, and last attached to, longer ago than that.

A live participant, also a stopped one, keeps its segment. Nothing that cannot be read is touched: rm --force is for that.`,
		Example: `  shmpipe gc --dry-run
  shmpipe gc --older-than 1h --unused`,
		Args: names(0, 0),
		RunE: o.run,
	}
	f := cmd.Flags()
	f.DurationVar(&o.olderThan, "older-than", 0, "only what was made, and last attached to, longer ago than that")
	f.BoolVar(&o.unused, "unused", false, "also what nobody has used yet")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be removed, and remove nothing")
	f.BoolVar(&o.json, "json", false, "print an array of JSON objects")
	return cmd
}

func (o *collectOptions) run(cmd *cobra.Command, _ []string) error {
	if o.olderThan < 0 {
		return usagef("older-than is %v, want 0 or more", o.olderThan)
	}
	done := []collected{}
	var failed error
	for _, b := range o.app.backends(cmd) {
		opts := o.app.options()
		opts.Backend = b
		entries, err := shmpipe.List(&opts)
		if errors.Is(err, errors.ErrUnsupported) && !cmd.Flags().Changed("backend") {
			continue
		}
		failed = errors.Join(failed, err)
		for _, e := range entries {
			if c, about := o.collect(e, opts); about {
				done = append(done, c)
			}
		}
	}
	for _, c := range done {
		if c.Error != "" {
			failed = errors.Join(failed, errFound)
		}
	}
	if o.json {
		return errors.Join(o.app.printJSON(done), failed)
	}
	text := ""
	for _, c := range done {
		text += o.text(c)
	}
	if text == "" && failed == nil {
		o.app.say("nothing to remove")
	}
	return errors.Join(o.app.print(text), failed)
}

// collect removes one, if it may. It reports whether there is anything to say of it.
func (o *collectOptions) collect(e shmpipe.Entry, opts shmpipe.Options) (collected, bool) {
	c := collected{Name: e.Name, Backend: e.Backend.String(), Path: e.Path}
	var ok bool
	if c.Why, c.Backlog, ok = o.garbage(e, opts); !ok {
		return c, false
	}
	if o.dryRun {
		c.Removed = true
		return c, true
	}
	err := shmpipe.Remove(e.Name, false, &opts)
	switch {
	case err == nil:
		c.Removed = true
	case errors.Is(err, shmpipe.ErrBusy), errors.Is(err, fs.ErrNotExist):
		return c, false // somebody came, or was quicker
	default:
		c.Error = message(err)
	}
	return c, true
}

// garbage reports whether it may go, and why.
func (o *collectOptions) garbage(e shmpipe.Entry, opts shmpipe.Options) (why string, backlog uint64, ok bool) {
	old := func(t time.Time) bool { return o.olderThan == 0 || !t.IsZero() && time.Since(t) > o.olderThan }
	if errors.Is(e.Err, shmpipe.ErrNotReady) && old(e.Created) {
		return "its creator was killed", 0, true // one that is at work holds a lock, and removal says so
	}
	if e.Err != nil || !old(e.Created) {
		return "", 0, false
	}
	v, err := openAndInspect(e.Name, opts)
	if err != nil {
		return "", 0, false
	}
	came := 0
	for _, p := range v.Participants {
		if p.State == "alive" || p.State != "never" && !old(p.Attached) {
			return "", 0, false
		}
		if p.State != "never" {
			came++
		}
	}
	switch died := v.count("died"); {
	case came == 0 && !o.unused:
		return "", 0, false
	case came == 0:
		return "nobody has used it", v.backlog(), true
	case died > 0:
		return fmt.Sprintf("all participants are gone, %d without closing", died), v.backlog(), true
	}
	return "all participants have closed", v.backlog(), true
}

func (o *collectOptions) text(c collected) string {
	switch {
	case c.Error != "":
		return fmt.Sprintf("%s (%s): not removed: %s\n", printable(c.Name), c.Backend, c.Error)
	case o.app.quiet:
		return ""
	}
	verb, lost := "removed", ""
	if o.dryRun {
		verb = "would be removed"
	}
	if c.Backlog > 0 {
		lost = fmt.Sprintf(", with %s that nobody had received", bytesText(c.Backlog))
	}
	return fmt.Sprintf("%s (%s): %s: %s%s\n", printable(c.Name), c.Backend, verb, c.Why, lost)
}
