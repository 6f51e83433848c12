// Command crowd measures queues of many producers and many consumers, each a process of its own; see package crowd.
package main

import (
	"os"

	"shmpipe/bench/crowd"
)

func main() { os.Exit(crowd.Main(nil, os.Args[1:], os.Stdout, os.Stderr)) }
