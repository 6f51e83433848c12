package contest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"shmpipe/bench/trial"
)

// pipes are unnamed pipes of the kernel.
type pipes struct{}

func (pipes) Create(j trial.Job, channels int) (trial.Handle, error) {
	h := &descriptors{job: j, kind: streams}
	for direction := range channels {
		var fds [2]int
		if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
			return nil, errors.Join(fmt.Errorf("make a pipe: %w", err), h.Close())
		}
		read, write := file(fds[0], "pipe, read end"), file(fds[1], "pipe, write end")
		enlargePipe(fds[0], j.Capacity)
		if direction == 0 {
			h.in[0] = read
			h.theirs = append(h.theirs, write)
		} else {
			h.out[1] = write
			h.theirs = append(h.theirs, read)
		}
	}
	return h, nil
}

func (pipes) Open(j trial.Job, _ string, files []*os.File) (trial.Handle, error) {
	h := &descriptors{job: j, kind: streams}
	for direction, f := range files {
		if direction == 0 {
			h.out[0] = f
		} else {
			h.in[1] = f
		}
	}
	return h, nil
}

// enlargePipe gives a pipe as much of capacity as is allowed. If nothing is, it stays as it is: that is what a user would get.
func enlargePipe(fd, capacity int) {
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, capacity); err == nil {
		return
	}
	if most := kernelNumber("/proc/sys/fs/pipe-max-size", 0); most > 0 {
		_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETPIPE_SZ, min(most, capacity))
	}
}

// kernelNumber is a number that a file of the kernel's says.
func kernelNumber(path string, otherwise int) int {
	b, err := os.ReadFile(path)
	if err != nil {
		return otherwise
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return otherwise
	}
	return n
}

// fifos are named pipes, in a folder of their own.
type fifos struct{}

func (fifos) Create(j trial.Job, channels int) (trial.Handle, error) {
	folder := filepath.Join(os.TempDir(), trial.ObjectName())
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	h := fifoHandle(j, folder)
	h.remove = func() error { return os.RemoveAll(folder) }
	for direction := range channels {
		if err := unix.Mkfifo(fifoPath(folder, direction), 0o600); err != nil {
			return nil, errors.Join(fmt.Errorf("make a fifo: %w", err), h.Close())
		}
	}
	return h, nil
}

func (fifos) Open(j trial.Job, text string, _ []*os.File) (trial.Handle, error) {
	return fifoHandle(j, text), nil
}

// fifoHandle opens an end when it is asked for: each open waits for the other side's.
func fifoHandle(j trial.Job, folder string) *descriptors {
	return &descriptors{job: j, kind: streams, text: folder, prepare: func(h *descriptors, direction int, receiving bool) error {
		flags, to := unix.O_WRONLY, &h.out[direction]
		if receiving {
			flags, to = unix.O_RDONLY, &h.in[direction]
		}
		for {
			fd, err := unix.Open(fifoPath(folder, direction), flags|unix.O_CLOEXEC, 0)
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				return &fs.PathError{Op: "open", Path: fifoPath(folder, direction), Err: err}
			}
			*to = file(fd, "fifo")
			if receiving {
				enlargePipe(fd, j.Capacity)
			}
			return nil
		}
	}}
}

func fifoPath(folder string, direction int) string {
	return filepath.Join(folder, "fifo."+strconv.Itoa(direction))
}
