package gvisorpipe

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/link/sharedmem/pipe"

	"shmpipe/bench/trial"
)

// Transport is the contestant. Pauses is how many PAUSE instructions a receiver waits after it found the pipe empty, and a sender after it
// found it full; at least one is made. Many keep the receiver off the line that the sender writes, which pays where messages stream.
type Transport struct{ Pauses uint32 }

// Create makes a pipe of j.Capacity bytes for each direction.
func (t Transport) Create(j trial.Job, channels int) (trial.Handle, error) {
	if j.Blocks() {
		return nil, trial.Cannot{Why: "gvisor's pipe has no way to sleep"}
	}
	// A message and a mark of the wrap must fit, whatever the position: twice the message is enough and keeps both sides moving.
	if most := j.Capacity/2 - 16; j.Size > most {
		return nil, trial.Cannot{Why: fmt.Sprintf("messages of %d bytes: a pipe of %d bytes takes up to %d from any position", j.Size, j.Capacity, max(most, 0))}
	}
	f, err := newMemory(j, channels*stride(j))
	if err != nil {
		return nil, err
	}
	h, err := t.attach(j, f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for direction := range channels {
		// The sending end lays a pipe out. Before that, a receiver would take zeros for an empty message.
		new(pipe.Tx).Init(h.pipe(direction))
	}
	return h, nil
}

// Open maps the pipes. The text is not used.
func (t Transport) Open(j trial.Job, _ string, files []*os.File) (trial.Handle, error) {
	if len(files) != 1 {
		return nil, fmt.Errorf("got %d files, want 1", len(files))
	}
	h, err := t.attach(j, files[0])
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (t Transport) attach(j trial.Job, f *os.File) (*handle, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	flags := unix.MAP_SHARED
	if j.Prefaults() {
		flags |= unix.MAP_POPULATE
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes of shared memory: %w", info.Size(), err)
	}
	return &handle{job: j, pauses: max(t.Pauses, 1), file: f, mem: mem}, nil
}

// stride is how far apart pipes are, so that each one begins on a page of its own.
func stride(j trial.Job) int {
	page := os.Getpagesize()
	return (j.Capacity + page - 1) / page * page
}

// newMemory makes unnamed memory where the segments under test live, so that the pages are of the same kind. They are there when this
// returns, unless their making is what is measured.
func newMemory(j trial.Job, bytes int) (*os.File, error) {
	fd, err := unix.Open("/dev/shm", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		if fd, err = unix.MemfdCreate("shmpipe-bench-pipe", unix.MFD_CLOEXEC); err != nil {
			return nil, fmt.Errorf("make shared memory: %w", err)
		}
	}
	f := os.NewFile(uintptr(fd), "shared memory")
	if j.Prefaults() {
		err = unix.Fallocate(fd, 0, 0, int64(bytes))
	} else {
		err = f.Truncate(int64(bytes))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("allocate %d bytes of shared memory: %w", bytes, err), f.Close())
	}
	return f, nil
}

type handle struct {
	job    trial.Job
	pauses uint32
	file   *os.File
	mem    []byte
}

func (h *handle) Files() []*os.File { return []*os.File{h.file} }
func (h *handle) Text() string      { return "" }

func (h *handle) pipe(direction int) []byte {
	at := direction * stride(h.job)
	return h.mem[at : at+h.job.Capacity : at+h.job.Capacity]
}

func (h *handle) Receiver(direction int) (trial.Receiver, error) {
	r := &receiver{batch: uint64(h.job.Batch()), pauses: h.pauses}
	r.rx.Init(h.pipe(direction))
	return r, nil
}

func (h *handle) Sender(direction int) (trial.Sender, error) {
	s := &sender{pauses: h.pauses}
	s.tx.Init(h.pipe(direction))
	return s, nil
}

func (h *handle) Close() error {
	return errors.Join(unix.Munmap(h.mem), h.file.Close())
}
