package main

import (
	"os"

	"github.com/spf13/cobra"

	"shmpipe/bench/contest"
	"shmpipe/bench/crowd"
	"shmpipe/bench/trial"
)

// Verbs that bench starts this program with, to be a contestant: they are not for people. What follows is the contestant's own command line.
const (
	contestVerb = "bench-contestant"
	crowdVerb   = "bench-crowd"
)

func newContestants() []*cobra.Command {
	verb := func(name string, run func(args []string) int) *cobra.Command {
		return &cobra.Command{
			Use: name, Hidden: true, DisableFlagParsing: true,
			RunE: func(_ *cobra.Command, args []string) error {
				os.Exit(run(args))
				return nil
			},
		}
	}
	return []*cobra.Command{
		verb(contestVerb, func(args []string) int { return trial.Main(args, contest.Find) }),
		verb(crowdVerb, func(args []string) int { return crowd.Main([]string{crowdVerb}, args, os.Stdout, os.Stderr) }),
	}
}
