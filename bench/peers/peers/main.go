// Peers are other people's ways of passing messages between processes in Go, as contestants: see bench/README.md. "peers list" names them.
package main

import (
	"fmt"
	"maps"
	"os"
	"slices"

	"shmpipe/bench/trial"
)

var contestants = map[string]trial.Transport{
	"gvisor-pipe":     sharedPipe{pauses: 1},
	"gvisor-pipe-64":  sharedPipe{pauses: 64},
	"gvisor-flipcall": calls{},
	"shmipc":          sessions{},
	"mangos":          sockets{},
	"grpc":            streams{},
}

func find(name string) (trial.Transport, bool) {
	t, ok := contestants[name]
	return t, ok
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "list" {
		for _, name := range slices.Sorted(maps.Keys(contestants)) {
			fmt.Println(name)
		}
		return
	}
	os.Exit(trial.Main(os.Args[1:], find))
}
