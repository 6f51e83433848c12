package trial

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
)

// parentVariable marks the sending process: it holds the pid of the receiving one.
const parentVariable = "SHMPIPE_TRIAL_PARENT"

// memoryLimit is how many bytes a process may use before the garbage collector starts after all.
const memoryLimit = 1 << 30

// Main runs the trial that a program's arguments (without its name) and environment ask for, and returns the exit status, which with what
// it prints is as bench/README.md says. It may end the process itself. It starts the second process as /proc/self/exe with os.Args[1:];
// that one must call Main with the same arguments. Find looks up a contestant.
//
// Call it once, from the main goroutine and before anything else is going on in the process.
func Main(args []string, find func(name string) (Transport, bool)) int {
	parent := os.Getenv(parentVariable)
	job, err := Parse(args)
	if err != nil {
		return complain("trial", err)
	}
	t, ok := find(job.Name)
	if !ok {
		return complain("trial", usagef("there is no contestant %q", job.Name))
	}
	if job.Mode == Idle {
		job.Size = max(job.Size, 8) // the message that ends it
	}
	debug.SetMemoryLimit(memoryLimit)
	debug.SetGCPercent(-1)
	if parent != "" {
		pid, err := strconv.Atoi(parent)
		if err == nil {
			err = runSending(job, t, pid)
		}
		return complain(job.Name+", sending process", err)
	}
	found, err := runReceiving(job, t)
	if err != nil {
		return complain(job.Name, err)
	}
	fmt.Printf("%s %s", job.Name, job.Mode)
	for _, f := range found {
		fmt.Print(" ", f)
	}
	fmt.Println()
	return 0
}

// complain says what went wrong, if anything did, and returns the exit status.
func complain(who string, err error) int {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", who, err)
	}
	return status(err)
}
