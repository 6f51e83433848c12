package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"shmpipe"
)

type createOptions struct {
	app *app
	geometryFlags
	rings                     int
	hugePages, lock, prefault bool
	json                      bool
}

func newCreate(a *app) *cobra.Command {
	o := &createOptions{app: a}
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a segment or a queue",
		Long: `Makes a segment and leaves it to producers and consumers. It stays until it is removed with rm, also when it is drained. All its
memory is allocated now, so that nothing can fail later.

With --mode mpmc, there may be many producers and many consumers, and a message goes to one of the consumers.

With --backend posix-mq or sysv-mq, it makes a message queue of the kernel, which holds as much as the kernel's limits allow; it says so if that is
less than --capacity.`,
		Example: `  shmpipe create orders --capacity 64MiB --perm 0660
  shmpipe create work --mode mpmc --participants 128`,
		Args: names(1, 1),
		RunE: o.run,
	}
	o.geometryFlags.add(cmd)
	f := cmd.Flags()
	f.IntVar(&o.rings, "rings", 1, "rings in the segment; the command's producer and consumer use the first")
	f.BoolVar(&o.hugePages, "huge-pages", false, "back it with huge pages, if they can be had")
	f.BoolVar(&o.lock, "lock", false, "keep it in memory while this command runs, if that is allowed")
	f.BoolVar(&o.prefault, "prefault", false, "touch all of it now")
	f.BoolVar(&o.json, "json", false, "describe it as JSON")
	return cmd
}

func (o *createOptions) run(cmd *cobra.Command, args []string) error {
	if err := o.validate(cmd, true); err != nil {
		return err
	}
	opts := o.app.options()
	opts.Perm, opts.HugePages, opts.Lock, opts.Prefault = o.fileMode(), o.hugePages, o.lock, o.prefault
	geo := o.geometry()
	geo.Rings = o.rings
	if o.rings < 1 {
		return usagef("rings is %d, want 1 or more", o.rings)
	}
	pipe, err := shmpipe.Create(args[0], geo, &opts)
	if err != nil {
		return err
	}
	defer pipe.Close()
	info, err := pipe.Info()
	if err != nil {
		return err
	}
	if o.json {
		return o.app.printJSON(describe(info))
	}
	if o.app.quiet {
		return nil
	}
	rings := ""
	if info.Rings > 1 {
		rings = fmt.Sprintf("%d rings of ", info.Rings)
	}
	text := fmt.Sprintf("%s: %v, %s%s, messages of at most %s bytes", printable(info.Path), info.Mode, rings, bytesText(uint64(info.Capacity)), grouped(uint64(info.MaxMessage)))
	if info.Mode == shmpipe.MPMC {
		text += fmt.Sprintf(", %d participants at once", info.Places)
	}
	text += "\n"
	if o.app.backend == shmpipe.Auto.String() || info.Backend.Queue() {
		text += "  " + printable(info.Explain) + "\n"
	}
	for _, got := range [...]struct{ what, came string }{
		{"huge pages", info.Obtained.HugePages}, {"locked", info.Obtained.Locked}, {"prefaulted", info.Obtained.Prefaulted},
	} {
		if got.came != "" {
			text += fmt.Sprintf("  %s: %s\n", got.what, printable(got.came))
		}
	}
	return o.app.print(text)
}
