package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"shmpipe"
	"shmpipe/bench/internal/host"
)

// childMark tells a process that it is the second one.
const childMark = "SHMPIPE_DUEL_CHILD"

func isChild() bool { return os.Getenv(childMark) != "" }

// pair gives both processes a pipe with rings rings: the first process makes it and starts the second.
func pair(c *contest, rings int) (*shmpipe.Pipe, func() error, error) {
	if isChild() {
		if err := pin(); err != nil {
			return nil, nil, err
		}
		p, err := shmpipe.OpenFile(os.NewFile(3, "segment"), c.options())
		return p, func() error { return nil }, err
	}
	p, err := shmpipe.Create("duel", shmpipe.Geometry{Capacity: c.capacity, Rings: rings}, c.options())
	if err != nil {
		return nil, nil, err
	}
	f, err := p.File()
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	wait, err := startChild(f)
	if err != nil {
		return nil, nil, err
	}
	return p, wait, pin()
}

// startChild starts this program again with the same arguments and the files as descriptors 3 and up.
func startChild(files ...*os.File) (wait func() error, err error) {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), childMark+"=1")
	cmd.ExtraFiles, cmd.Stderr = files, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the second process: %w", err)
	}
	return cmd.Wait, nil
}

// pin puts the first process on one CPU and the second on another, if there are two. The first one pins itself after it has started
// the second, which would inherit the narrow choice.
func pin() error {
	runtime.LockOSThread()
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil || allowed.Count() < 2 || os.Getenv("UNPINNED") == "1" {
		return nil
	}
	if isChild() {
		return host.Pin(1)
	}
	return host.Pin(0)
}

// cpuTime is what this process has used, in nanoseconds.
func cpuTime() int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
