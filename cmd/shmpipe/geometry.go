package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/bits"

	"github.com/spf13/cobra"

	"shmpipe"
	"shmpipe/protocol"
)

// geometryFlags are those of who makes a segment.
type geometryFlags struct {
	mode         string
	capacity     size
	message      size
	perm         perm
	participants int
	granule      size
	death        string
}

// mpmcFlags are about what an SPSC ring does not have.
var mpmcFlags = []string{"participants", "granule"}

func (g *geometryFlags) add(cmd *cobra.Command) {
	mode := newChoice(&g.mode, shmpipe.SPSC.String(), []string{shmpipe.SPSC.String(), shmpipe.MPMC.String()}, nil)
	death := newChoice(&g.death, shmpipe.Redeliver.String(), []string{shmpipe.Redeliver.String(), shmpipe.Drop.String()}, nil)
	g.capacity, g.perm = shmpipe.DefaultCapacity, 0o600
	f := cmd.Flags()
	f.Var(mode, "mode", "kind of ring: spsc (one producer, one consumer) or mpmc (many of each; a message goes to one consumer)")
	f.Var(&g.capacity, "capacity", "bytes of data of the ring, rounded up to a power of two")
	f.Var(&g.message, "max-message", "bytes of the largest message; 0 = as many as the capacity allows, half of it less 8")
	f.Var(&g.perm, "perm", "mode of the segment; 0660 lets a group share it")
	f.IntVar(&g.participants, "participants", protocol.DefaultMPMCParticipants, fmt.Sprintf("mpmc: how many may be attached at once, `N` from 2 to %d, producers and consumers together", protocol.MaxMPMCParticipants))
	f.Var(&g.granule, "granule", fmt.Sprintf("mpmc: what a message takes is a multiple of so many bytes, a power of two from %d to %d; 0 = what suits most", protocol.MinGranule, protocol.MaxGranule))
	f.Var(death, "on-consumer-death", "what becomes of the message that a consumer had in hand when it died: redeliver (to another, flagged) or drop")
	must(cmd.RegisterFlagCompletionFunc("mode", mode.complete))
	must(cmd.RegisterFlagCompletionFunc("on-consumer-death", death.complete))
}

// validate finds values that no segment can have, and flags that do not go together.
func (g *geometryFlags) validate(cmd *cobra.Command, named bool) error {
	f := cmd.Flags()
	if g.mode == shmpipe.MPMC.String() && !named {
		return &usageError{
			errors.New("--mode mpmc needs a name: without one, there is one producer and one consumer"),
			"name the segment: `shmpipe producer NAME --mode mpmc`, and `shmpipe consumer NAME` as often as you like",
		}
	}
	for _, n := range mpmcFlags {
		if f.Changed(n) && g.mode != shmpipe.MPMC.String() {
			return usagef("--%s is about a ring of many producers and consumers: it needs --mode mpmc", n)
		}
	}
	if g.participants < 2 || g.participants > protocol.MaxMPMCParticipants {
		return usagef("participants are %d, want 2 to %d", g.participants, protocol.MaxMPMCParticipants)
	}
	if n := uint(g.granule); n != 0 && (n < protocol.MinGranule || n > protocol.MaxGranule || bits.OnesCount(n) != 1) {
		return usagef("granule is %d bytes, want a power of two from %d to %d", n, protocol.MinGranule, protocol.MaxGranule)
	}
	return nil
}

func (g *geometryFlags) geometry() shmpipe.Geometry {
	death, err := shmpipe.ParseDeathPolicy(g.death)
	must(err) // the flag admits no other
	geo := shmpipe.Geometry{Mode: shmpipe.SPSC, Capacity: int(g.capacity), MaxMessage: int(g.message), OnConsumerDeath: death}
	if g.mode == shmpipe.MPMC.String() {
		geo.Mode, geo.Participants, geo.Granule = shmpipe.MPMC, g.participants, int(g.granule)
	}
	return geo
}

func (g *geometryFlags) fileMode() fs.FileMode { return fs.FileMode(g.perm) }

// differs tells which of the flags that were given do not hold for a segment that was there already.
func (g *geometryFlags) differs(cmd *cobra.Command, info segmentInfo) (flags []string) {
	for _, f := range [...]struct {
		name    string
		differs bool
	}{
		{"mode", info.Mode != g.mode},
		{"capacity", !info.queue() && info.Capacity < int(g.capacity)}, // a queue says itself what its limits made of it
		{"max-message", g.message != 0 && info.MaxMessage != int(g.message)},
		{"participants", info.Places != g.participants && info.Mode == shmpipe.MPMC.String()},
		{"granule", info.Granule != cmp.Or(int(g.granule), info.Granule)},
		{"on-consumer-death", info.OnConsumerDeath != g.death}, // of a queue always: it drops
	} {
		if f.differs && cmd.Flags().Changed(f.name) {
			flags = append(flags, "--"+f.name)
		}
	}
	return flags
}
