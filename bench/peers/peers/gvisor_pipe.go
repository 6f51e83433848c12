package main

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
	"gvisor.dev/gvisor/pkg/tcpip/link/sharedmem/pipe"

	"shmpipe/bench/trial"
)

// sharedPipe is gVisor's pkg/tcpip/link/sharedmem/pipe, as the package says: Push reserves room, Flush makes what was pushed visible; the
// receiver pulls and gives room back batch by batch. It has no way to sleep.
type sharedPipe struct {
	pauses uint32 // PAUSE instructions after the pipe was found empty
}

func (s sharedPipe) Create(j trial.Job, channels int) (trial.Handle, error) {
	if j.Blocks() {
		return nil, trial.Cannot{Why: "the pipe has no way to sleep"}
	}
	if need := 2 * (j.Size + 16); need > j.Capacity {
		return nil, trial.Cannot{Why: fmt.Sprintf("messages of %d bytes want a pipe of %d, it has %d", j.Size, need, j.Capacity)}
	}
	fd, err := unix.MemfdCreate(trial.ObjectName(), unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}
	f := os.NewFile(uintptr(fd), "segment")
	if err := f.Truncate(int64(channels * j.Capacity)); err != nil {
		f.Close()
		return nil, fmt.Errorf("size segment: %w", err)
	}
	h, err := s.open(j, f)
	if err != nil {
		f.Close()
		return nil, err
	}
	for i := range channels {
		// The writer's end lays the pipe out, which the reader's must not see half done.
		new(pipe.Tx).Init(h.channel(i))
	}
	return h, nil
}

func (s sharedPipe) Open(j trial.Job, _ string, files []*os.File) (trial.Handle, error) {
	return s.open(j, files[0])
}

func (s sharedPipe) open(j trial.Job, f *os.File) (*pipeHandle, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("map segment of %d bytes: %w", st.Size(), err)
	}
	return &pipeHandle{sharedPipe: s, job: j, file: f, mem: mem}, nil
}

type pipeHandle struct {
	sharedPipe
	job  trial.Job
	file *os.File
	mem  []byte
}

func (h *pipeHandle) Files() []*os.File { return []*os.File{h.file} }
func (h *pipeHandle) Text() string      { return "" }
func (h *pipeHandle) Close() error      { return h.file.Close() }

func (h *pipeHandle) channel(direction int) []byte {
	c := h.job.Capacity
	return h.mem[direction*c : (direction+1)*c : (direction+1)*c]
}

func (h *pipeHandle) Sender(direction int) (trial.Sender, error) {
	s := &pipeSender{}
	s.tx.Init(h.channel(direction))
	return s, nil
}

func (h *pipeHandle) Receiver(direction int) (trial.Receiver, error) {
	r := &pipeReceiver{batch: h.job.Batch(), pauses: h.pauses}
	r.rx.Init(h.channel(direction))
	return r, nil
}

type pipeSender struct{ tx pipe.Tx }

func (s *pipeSender) push(msg []byte) {
	b := s.tx.Push(uint64(len(msg)))
	for b == nil {
		s.tx.Flush() // a full pipe empties only if the reader can see what is in it
		relax(1)
		b = s.tx.Push(uint64(len(msg)))
	}
	copy(b, msg)
}

func (s *pipeSender) Send(msg []byte) error {
	s.push(msg)
	s.tx.Flush()
	return nil
}

func (s *pipeSender) SendBatch(msgs [][]byte) error {
	for _, m := range msgs {
		s.push(m)
	}
	s.tx.Flush()
	return nil
}

// SendAll is the loop of a user: without it, an interface's call would count.
func (s *pipeSender) SendAll(j trial.Job, from, to uint64, pattern []byte) error {
	batch, pending := j.Batch(), 0
	for i := from; i < to; i++ {
		trial.Stamp(pattern, i)
		s.push(pattern)
		if pending++; pending >= batch {
			s.tx.Flush()
			pending = 0
		}
	}
	s.tx.Flush()
	return nil
}

func (s *pipeSender) Close() error { return nil }

type pipeReceiver struct {
	rx     pipe.Rx
	batch  int
	pauses uint32
}

func (r *pipeReceiver) next() []byte {
	for {
		if b := r.rx.Pull(); b != nil {
			return b
		}
		r.rx.Flush() // the writer may wait for this room
		relax(r.pauses)
	}
}

func (r *pipeReceiver) Receive(fn func([]byte) error, most int) error {
	err := fn(r.next())
	for n := 1; n < most && err == nil; n++ {
		b := r.rx.Pull()
		if b == nil {
			break
		}
		err = fn(b)
	}
	r.rx.Flush()
	return err
}

func (r *pipeReceiver) ReceiveAll(check *trial.Checker, until uint64) error {
	pulled := 0
	for check.Seen() < until {
		if err := check.Check(r.next()); err != nil {
			return err
		}
		if pulled++; pulled >= r.batch {
			r.rx.Flush()
			pulled = 0
		}
	}
	r.rx.Flush()
	return nil
}

func (r *pipeReceiver) Close() error { return nil }

var oneCPU = runtime.NumCPU() < 2

// relax waits for some PAUSE instructions. With one CPU the other process can only run if this one gives way.
func relax(n uint32) {
	pause(n)
	if oneCPU {
		unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
}
