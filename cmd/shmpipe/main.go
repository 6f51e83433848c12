// Command shmpipe moves bytes between processes through shared memory, and looks after the segments that hold them.
package main

import "os"

func main() {
	os.Exit(run(os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
}
