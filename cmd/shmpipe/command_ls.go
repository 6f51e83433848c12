package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"shmpipe"
	"shmpipe/internal/mq"
)

type listOptions struct {
	app  *app
	json bool
}

func newList(a *app) *cobra.Command {
	o := &listOptions{app: a}
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List the segments and queues on this host",
		Long: `Lists every segment and queue of ours, of all backends unless --backend names one: how much waits in it, how many of its participants are alive and
how many died without closing, and how old it is. One that cannot be read is listed with the reason, and one that is held up by a
participant that was stopped with the pid of that.

A POSIX queue without its state file, which is what a creator leaves that was killed, is seen only if a filesystem of type mqueue is mounted
on /dev/mqueue.`,
		Example: `  shmpipe ls
  shmpipe ls --json | jq -r '.[].name'`,
		Args: names(0, 0),
		RunE: o.run,
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print an array of JSON objects")
	return cmd
}

func (o *listOptions) run(cmd *cobra.Command, _ []string) error {
	found := []segmentInfo{}
	var failed error
	backends := o.app.backends(cmd)
	if len(backends) > 1 {
		backends = append(backends, shmpipe.Memfd) // those of pipes without a name, too
	}
	for _, b := range backends {
		opts := o.app.options()
		opts.Backend = b
		entries, err := shmpipe.List(&opts)
		if errors.Is(err, errors.ErrUnsupported) && !cmd.Flags().Changed("backend") {
			continue // this kernel has none
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if b == shmpipe.POSIXQueue {
			o.sayUnmounted()
		}
		for _, e := range entries {
			if v, there := lookAt(e, opts); there {
				found = append(found, v)
			}
		}
	}
	if o.json {
		return errors.Join(o.app.printJSON(found), failed)
	}
	if len(found) == 0 && failed == nil {
		o.app.say("no segments and no queues in %s", o.app.where())
		return nil
	}
	return errors.Join(o.app.print(listTable(found)), failed)
}

// sayUnmounted tells what a list of queues may lack.
func (o *listOptions) sayUnmounted() {
	if _, err := mq.ListPOSIX(); errors.Is(err, errors.ErrUnsupported) && !o.json {
		o.app.say("note: /dev/mqueue is not mounted, so of POSIX queues only those with a state file are seen (mount it with: mount -t mqueue none /dev/mqueue)")
	}
}

// lookAt opens what was found. It reports whether it is still there.
func lookAt(e shmpipe.Entry, opts shmpipe.Options) (segmentInfo, bool) {
	bare := segmentInfo{
		Name: e.Name, Backend: e.Backend.String(), Path: e.Path, Size: e.Size, Created: e.Created,
		Capacity: e.Capacity, Rings: e.Rings, MaxMessage: e.MaxMessage,
		Participants: []participantInfo{}, Blocking: []blockingInfo{},
	}
	if e.Ring != 0 {
		bare.Mode = e.Ring.String()
	}
	err := e.Err
	if err == nil {
		opts.ReadOnly = true // also what this build, or this user, must not write to
		var v segmentInfo
		if e.Backend == shmpipe.Memfd {
			v, err = openFileAndInspect(e.Path, opts)
		} else {
			v, err = openAndInspect(e.Name, opts)
		}
		if err == nil {
			return v, true
		}
		if errors.Is(err, fs.ErrNotExist) {
			return bare, false
		}
	}
	bare.Error = message(err)
	return bare, true
}

func openAndInspect(name string, opts shmpipe.Options) (segmentInfo, error) {
	pipe, err := shmpipe.Open(name, &opts)
	if err != nil {
		return segmentInfo{}, err
	}
	return inspectAndClose(pipe)
}

// openFileAndInspect looks at a memfd through a descriptor of a process that has it.
func openFileAndInspect(path string, opts shmpipe.Options) (segmentInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return segmentInfo{}, err
	}
	pipe, err := shmpipe.OpenFile(f, &opts)
	if err = errors.Join(err, f.Close()); err != nil {
		return segmentInfo{}, err
	}
	v, err := inspectAndClose(pipe)
	v.Path = path
	return v, err
}

func inspectAndClose(pipe *shmpipe.Pipe) (segmentInfo, error) {
	v, err := inspect(pipe)
	v.Blocking = stuck(segmentInfo{}, v) // no time to look twice: those only that are stopped
	return v, errors.Join(err, pipe.Close())
}

func listTable(found []segmentInfo) string {
	t := newTable("NAME", "BACKEND", "MODE", "CAPACITY", "BACKLOG", "ALIVE", "DEAD", "AGE", "")
	alignRight(t, 4, 5, 6, 7)
	for _, v := range found {
		if v.Error != "" {
			t.AppendRow([]any{printable(v.Name), v.Backend, dash(v.Mode), "-", "-", "-", "-", age(v.Created), v.Error})
			continue
		}
		note := ""
		for _, b := range v.Blocking {
			note = fmt.Sprintf("blocked by pid %d%s", b.PID, stoppedText(b.Stopped))
		}
		for _, s := range v.Stats {
			if s.Poisoned {
				note = "broken: see `shmpipe check " + printable(v.Name) + "`"
			}
		}
		capacity := bytesText(uint64(v.Capacity))
		if v.Rings > 1 {
			capacity = fmt.Sprintf("%d × %s", v.Rings, capacity)
		}
		t.AppendRow([]any{printable(v.Name), v.Backend, v.Mode, capacity, bytesText(v.backlog()), v.count("alive"), v.count("died"), age(v.Created), note})
	}
	return t.Render() + "\n"
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// age is how long ago something was, in one unit or two: 5s, 3m20s, 2h5m, 9 days.
func age(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	d := time.Since(t)
	switch {
	case d < 0:
		return "0s" // the clock was set back
	case d < time.Hour:
		return d.Truncate(time.Second).String()
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return humanize.Comma(int64(d.Hours()/24)) + " days"
}
