package main

import (
	"io/fs"

	"github.com/spf13/cobra"

	"shmpipe"
)

// geometryFlags are those of who makes a segment.
type geometryFlags struct {
	mode     string
	capacity size
	message  size
	perm     perm
}

func (g *geometryFlags) add(cmd *cobra.Command) {
	mode := newChoice(&g.mode, "spsc", []string{"spsc"}, []string{"mpmc"})
	g.capacity, g.perm = shmpipe.DefaultCapacity, 0o600
	f := cmd.Flags()
	f.Var(mode, "mode", "kind of ring: spsc (one producer, one consumer)")
	f.Var(&g.capacity, "capacity", "bytes of data of the ring, rounded up to a power of two")
	f.Var(&g.message, "max-message", "bytes of the largest message; 0 = as many as the capacity allows, half of it less 8")
	f.Var(&g.perm, "perm", "mode of the segment; 0660 lets a group share it")
	must(cmd.RegisterFlagCompletionFunc("mode", mode.complete))
}

func (g *geometryFlags) geometry() shmpipe.Geometry {
	return shmpipe.Geometry{Mode: shmpipe.SPSC, Capacity: int(g.capacity), MaxMessage: int(g.message)}
}

func (g *geometryFlags) fileMode() fs.FileMode { return fs.FileMode(g.perm) }

// differs tells which of the flags that were given does not hold for a segment that was there already.
func (g *geometryFlags) differs(cmd *cobra.Command, info shmpipe.Info) string {
	switch {
	case cmd.Flags().Changed("capacity") && info.Capacity < int(g.capacity):
		return "capacity"
	case cmd.Flags().Changed("max-message") && g.message != 0 && info.MaxMessage != int(g.message):
		return "max-message"
	}
	return ""
}

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
