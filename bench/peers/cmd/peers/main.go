// Peers holds the contestants in Go that have dependencies of their own.
//
//	peers NAME MODE SIZE COUNT [EXTRA]   a trial, as bench/README.md says
//	peers list                           the names, one a line
package main

import (
	"fmt"
	"os"

	"shmpipe/bench/trial"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 1 && args[0] == "list" {
		for _, c := range contestants {
			fmt.Println(c.name)
		}
		return 0
	}
	return trial.Main(args, find)
}

// contestant is one of the registry.
type contestant struct {
	name string
	trial.Transport
}

func find(name string) (trial.Transport, bool) {
	for _, c := range contestants {
		if c.name == name {
			return c.Transport, true
		}
	}
	return nil, false
}
