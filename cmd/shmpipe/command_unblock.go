package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"shmpipe"
)

type unblockOptions struct {
	app  *app
	json bool
}

// unblockReport is the outcome for one segment as --json has it.
type unblockReport struct {
	Name      string         `json:"name"`
	Path      string         `json:"path,omitempty"`
	Reaped    int            `json:"reaped"`    // participants that were found dead
	Abandoned int            `json:"abandoned"` // claims of theirs, which consumers skip
	Recovered int            `json:"recovered"` // frames that they had in hand: a message or a batch each
	Drop      bool           `json:"drop"`      // the first message of each of those is dropped, by the segment's policy
	Blocking  []blockingInfo `json:"blocking"`  // live participants that others wait for
	Broken    bool           `json:"broken"`    // the ring breaks the protocol: nothing can be released
	Error     string         `json:"error,omitempty"`
}

func newUnblock(a *app) *cobra.Command {
	o := &unblockOptions{app: a}
	cmd := &cobra.Command{
		Use:   "unblock NAME...",
		Short: "Release what dead participants left claimed",
		Long: `Releases what dead participants left behind in mpmc rings: space that was claimed is skipped, and a message that was in hand goes to
another consumer, flagged, or is dropped, as the segment's policy says. There is no need for it while anybody is attached:
whoever waits, or attaches, does the same. In an spsc ring nothing is ever left claimed.

Whether somebody is dead is proved by the kernel. Live participants are left alone, also stopped ones. If such a one holds the others
up, it is named, with what to do about it, and the exit status is 1: the segment is blocked still.`,
		Example: `  shmpipe unblock work
  shmpipe unblock --json work quotes | jq '.[].blocking'`,
		Args:              names(1, 1<<20),
		ValidArgsFunction: a.completeNames,
		RunE:              o.run,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print an array of JSON objects")
	return cmd
}

// run goes on after an error, so that one bad name does not keep the others.
func (o *unblockOptions) run(cmd *cobra.Command, args []string) error {
	reports := []unblockReport{}
	var failed error
	for _, name := range args {
		r, err := o.unblock(name)
		if err != nil {
			if len(args) == 1 {
				return err
			}
			fmt.Fprintf(o.app.err, "%s: %s\n", cmd.CommandPath(), message(err))
			r.Error = message(err)
		}
		if err != nil || r.Broken || len(r.Blocking) > 0 {
			failed = errFound
		}
		reports = append(reports, r)
	}
	var err error
	if o.json {
		err = o.app.printJSON(reports)
	} else {
		text := ""
		for _, r := range reports {
			text += r.text()
		}
		err = o.app.print(text)
	}
	return errors.Join(err, failed)
}

func (o *unblockOptions) unblock(name string) (unblockReport, error) {
	r := unblockReport{Name: name, Blocking: []blockingInfo{}}
	opts := o.app.options()
	pipe, err := shmpipe.Open(name, &opts)
	if err != nil {
		return r, elsewhere(err, name, opts)
	}
	defer pipe.Close()
	u, err := pipe.Unblock()
	if err != nil {
		return r, err
	}
	v, err := inspectPatiently(pipe)
	if err != nil {
		return r, err
	}
	r.Path, r.Blocking = v.Path, v.Blocking
	r.Reaped, r.Abandoned, r.Recovered = u.Reaped, u.Abandoned, u.Recovered
	r.Drop = v.OnConsumerDeath == shmpipe.Drop.String()
	for _, s := range v.Stats {
		r.Broken = r.Broken || s.Poisoned
	}
	return r, nil
}

func (r unblockReport) text() string {
	if r.Error != "" { // it has been told
		return ""
	}
	what := "nothing was stuck"
	switch {
	case r.Broken:
		what = fmt.Sprintf("broken, so that nothing can be released: see `shmpipe check %s`", r.Name)
	case r.Recovered > 0:
		after := "delivered again"
		if r.Drop {
			after = "dropped"
		}
		what = fmt.Sprintf("found %s dead; released %s and %s in hand, to be %s", plural(uint64(r.Reaped), "participant"),
			plural(uint64(r.Abandoned), "claim"), plural(uint64(r.Recovered), "frame"), after)
	case r.Abandoned > 0:
		what = fmt.Sprintf("found %s dead; released %s", plural(uint64(r.Reaped), "participant"), plural(uint64(r.Abandoned), "claim"))
	case r.Reaped > 0:
		what = fmt.Sprintf("found %s dead, which had left nothing claimed", plural(uint64(r.Reaped), "participant"))
	case len(r.Blocking) > 0:
		what = "nobody is dead, but others wait for a live participant"
	}
	text := fmt.Sprintf("%s: %s\n", printable(r.Name), printable(what))
	for _, b := range r.Blocking {
		text += fmt.Sprintf("  blocked by %s\n    %s\n", printable(b.String()), b.advice())
	}
	return text
}
