package main

import (
	"github.com/spf13/cobra"

	"shmpipe"
)

// waitFlag is how an end of a ring waits.
type waitFlag struct{ strategy string }

func (w *waitFlag) add(cmd *cobra.Command) {
	c := newChoice(&w.strategy, "adaptive", []string{"adaptive", "spin", "block"}, nil)
	cmd.Flags().Var(c, "wait", "how to wait: adaptive (spin, then sleep), spin (never sleep: a processor each), block (sleep at once)")
	must(cmd.RegisterFlagCompletionFunc("wait", c.complete))
}

func (w *waitFlag) value() shmpipe.WaitStrategy {
	s, err := shmpipe.ParseWaitStrategy(w.strategy)
	must(err) // the flag admits no other
	return s
}
