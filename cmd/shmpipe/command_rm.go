package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"shmpipe"
)

type removeOptions struct {
	app   *app
	force bool
}

func newRemove(a *app) *cobra.Command {
	o := &removeOptions{app: a}
	cmd := &cobra.Command{
		Use:   "rm NAME...",
		Short: "Remove segments and queues",
		Long: `Removes names, and the memory with them once nobody has it mapped. It refuses while a live participant is attached, and what is no
sound segment, unless --force is given: then those who are attached go on among themselves.`,
		Example: `  shmpipe rm orders
  shmpipe rm --force --backend sysv orders quotes`,
		Args:              names(1, 1<<20),
		ValidArgsFunction: a.completeNames,
		RunE:              o.run,
	}
	cmd.Flags().BoolVar(&o.force, "force", false, "remove it also if somebody is attached, or if it is no sound segment")
	return cmd
}

// run goes on after an error, so that one bad name does not keep the others.
func (o *removeOptions) run(cmd *cobra.Command, args []string) error {
	opts := o.app.options()
	var failed error
	for _, name := range args {
		err := shmpipe.Remove(name, o.force, &opts)
		if err == nil {
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w; `shmpipe ls` shows what there is", elsewhere(err, name, opts))
		}
		if len(args) == 1 {
			return err
		}
		fmt.Fprintf(o.app.err, "%s: %s\n", cmd.CommandPath(), message(err))
		failed = errFound
	}
	return failed
}
