package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"shmpipe"
	"shmpipe/internal/check"
	"shmpipe/segment"
)

type checkOptions struct {
	app  *app
	json bool
}

// checkReport is the outcome as --json has it.
type checkReport struct {
	Name     string         `json:"name"`
	Path     string         `json:"path"`
	OK       bool           `json:"ok"`
	Problems []checkProblem `json:"problems"`
}

type checkProblem struct {
	Ring   int    `json:"ring"` // -1 = the segment itself
	Offset uint64 `json:"offset"`
	Text   string `json:"text"`
	Advice string `json:"advice,omitempty"`
	Note   bool   `json:"note"` // worth knowing, but nothing is broken
	holder *check.Holder
}

func newCheck(a *app) *cobra.Command {
	o := &checkOptions{app: a}
	cmd := &cobra.Command{
		Use:   "check NAME",
		Short: "Look for damage in a segment or a queue",
		Long: `Walks the segment from the header to the last frame, without writing, and prints each problem and what mends it. It exits 1 if there
is one; a participant that died is only a note, because a successor can take its role at once, and so is a live one that holds the
others up, because it may go on: it is named, and whether it was stopped is said.

It may be used on a live segment. It does not see what was wrong and was consumed before it came there, nor what is wrong inside
of messages, which carry no checksum of ours. Of a message queue it checks the state file, and that the queue is the one it is about.`,
		Example:           `  shmpipe check orders`,
		Args:              names(1, 1),
		ValidArgsFunction: a.completeNames,
		RunE:              o.run,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print a JSON object")
	return cmd
}

func (o *checkOptions) run(_ *cobra.Command, args []string) error {
	report, err := o.check(args[0])
	if err != nil {
		return err
	}
	if o.json {
		err = o.app.printJSON(report)
	} else {
		err = o.app.print(report.text())
	}
	if err == nil && !report.OK {
		err = errFound
	}
	return err
}

func (o *checkOptions) check(name string) (checkReport, error) {
	opts, err := o.app.resolve(name)
	if err != nil {
		return unusable(name, opts, err)
	}
	if opts.Backend.Queue() {
		return checkQueue(name, opts)
	}
	backend, err := segment.ParseBackend(opts.Backend.String())
	if err != nil {
		return checkReport{}, err
	}
	// For looking only: also what this build must not write to.
	seg, err := segment.Open(backend, name, segment.Options{Dir: opts.Dir, AllowOtherOwner: opts.AllowOtherOwner, ReadOnly: true})
	if err != nil {
		return unusable(name, opts, err)
	}
	report := checkReport{Name: name, Path: seg.Path(), OK: true, Problems: []checkProblem{}}
	for p := range check.Segment(seg.Bytes(), seg.Held) {
		report.Problems = append(report.Problems, checkProblem{Ring: p.Ring, Offset: p.Offset, Text: p.String(), Advice: p.Advice, Note: p.Note, holder: p.Holder})
		report.OK = report.OK && p.Note
	}
	report.addStopped(name, opts)
	return report, seg.Close()
}

// resolve are the options with the backend that has the name, if that is to be found out.
func (a *app) resolve(name string) (shmpipe.Options, error) {
	opts := a.options()
	if opts.Backend != shmpipe.Auto {
		return opts, nil
	}
	pipe, err := shmpipe.Open(name, &opts)
	if err != nil {
		return opts, err
	}
	info, err := pipe.Info()
	opts.Backend = info.Backend
	return opts, errors.Join(err, pipe.Close())
}

// checkQueue is the report on a message queue. Opening one checks its state file; its messages cannot be looked at without taking them.
func checkQueue(name string, opts shmpipe.Options) (checkReport, error) {
	opts.ReadOnly = true
	v, err := openAndInspect(name, opts)
	if err != nil {
		return unusable(name, opts, err)
	}
	report := checkReport{Name: name, Path: v.Path, OK: true, Problems: []checkProblem{}}
	for _, p := range v.Participants {
		if p.State == "died" {
			report.Problems = append(report.Problems, checkProblem{
				Text: fmt.Sprintf("%s, pid %d (%s), died without closing", p.Role, p.PID, p.Command), Advice: "a successor can take its role at once", Note: true,
			})
		}
	}
	return report, nil
}

// addStopped says which of those who hold the others up were stopped. The walk knows nothing of processes.
func (r *checkReport) addStopped(name string, opts shmpipe.Options) {
	opts.ReadOnly = true
	v, err := openAndInspect(name, opts)
	if err != nil { // it has gone, or it is broken, which has been told
		return
	}
	for _, b := range v.Blocking {
		at := slices.IndexFunc(r.Problems, func(p checkProblem) bool {
			return p.holder != nil && p.Ring == b.Ring && int(p.holder.PID) == b.PID && p.holder.Role.String() == b.Role
		})
		if at < 0 {
			r.Problems = append(r.Problems, checkProblem{Ring: b.Ring, Text: fmt.Sprintf("ring %d: %v", b.Ring, b), Advice: b.advice(), Note: true})
			continue
		}
		r.Problems[at].Text += "; it is stopped (SIGSTOP)" // others are not in Blocking here
		r.Problems[at].Advice = b.advice()
	}
}

// unusable is the report on something that has the name and cannot be opened as a segment. Other errors are errors.
func unusable(name string, opts shmpipe.Options, err error) (checkReport, error) {
	for _, is := range [...]error{shmpipe.ErrCorrupt, shmpipe.ErrNotSegment, shmpipe.ErrNotReady, segment.ErrLockFile} {
		if errors.Is(err, is) {
			p := checkProblem{Ring: check.Segmentwide, Text: message(err), Advice: fmt.Sprintf("remove it with `shmpipe rm --force%s %s`", backendFlag(opts), name)}
			var c *shmpipe.CorruptError
			if errors.As(err, &c) {
				p.Offset = c.Offset
			}
			return checkReport{Name: name, Problems: []checkProblem{p}}, nil
		}
	}
	return checkReport{}, elsewhere(err, name, opts)
}

// backendFlag is the flag that advice needs for what is not the default.
func backendFlag(opts shmpipe.Options) string {
	if opts.Backend == shmpipe.POSIX {
		return ""
	}
	return " --backend " + opts.Backend.String()
}

func (r checkReport) text() string {
	text, problems := "", 0
	for _, p := range r.Problems {
		kind := ""
		if p.Note {
			kind = "note: "
		} else {
			problems++
		}
		text += kind + printable(p.Text) + "\n"
		if p.Advice != "" {
			text += "  " + printable(p.Advice) + "\n"
		}
	}
	if problems == 0 {
		return text + fmt.Sprintf("ok: %s\n", printable(r.Path))
	}
	return text + plural(uint64(problems), "problem") + "\n"
}
