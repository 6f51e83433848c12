package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// memoryFile is a file without a name, in memory.
func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("shmpipe-demo", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "memory"), nil
}

// widenPipe gives a pipe the largest buffer that anybody may have, so that it does as well as it can.
func widenPipe(w *os.File) {
	_, _ = unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 1<<20) // else it has 64 KiB
}
