package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// gate lets both processes begin together. It has the first page of the segment.
type gate struct {
	producerReady atomic.Uint64
	_             [120]byte
	consumerReady atomic.Uint64
}

// pair is one process's view of a run: the mapped pipes, one for thr, two for rtt.
type pair struct {
	producer bool
	gate     *gate
	pipes    [][]byte
	ended    chan error // the consumer's: how the producer ended
}

const producerMark = "SHMPIPE_BENCH_PRODUCER"

var singleCPU bool

// openPair maps the segment in this process, starts the other one if this is the first, and pins the calling thread for good.
func openPair(mode string, args []string, capacity int) (*pair, error) {
	// Also because the producer is to be killed when this thread ends, and not a thread that the runtime retires.
	runtime.LockOSThread()
	count := 1
	if mode == "rtt" {
		count = 2
	}
	page := os.Getpagesize()
	each := (capacity + page - 1) / page * page
	p := &pair{producer: os.Getenv(producerMark) != ""}
	file := os.NewFile(3, "segment")
	if !p.producer {
		var err error
		if file, err = segment(page + count*each); err != nil {
			return nil, err
		}
		if err := p.startProducer(args, file); err != nil {
			return nil, err
		}
	}
	defer file.Close()
	if err := pin(p.producer); err != nil {
		return nil, err
	}
	mem, err := unix.Mmap(int(file.Fd()), 0, page+count*each, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("map segment of %d bytes: %w", page+count*each, err)
	}
	p.gate = (*gate)(unsafe.Pointer(&mem[0]))
	for i := range count {
		at := page + i*each
		p.pipes = append(p.pipes, mem[at:at+capacity:at+capacity])
	}
	return p, nil
}

// segment makes an unnamed file where the segments under test live, so that the pages are of the same kind.
func segment(size int) (*os.File, error) {
	fd, err := unix.Open("/dev/shm", unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	if err != nil {
		if fd, err = unix.MemfdCreate("shmpipe-bench", unix.MFD_CLOEXEC); err != nil {
			return nil, fmt.Errorf("create segment: %w", err)
		}
	}
	file := os.NewFile(uintptr(fd), "segment")
	if err := file.Truncate(int64(size)); err != nil {
		file.Close()
		return nil, fmt.Errorf("size segment to %d bytes: %w", size, err)
	}
	return file, nil
}

func (p *pair) startProducer(args []string, file *os.File) error {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), producerMark+"=1")
	cmd.ExtraFiles, cmd.Stderr = []*os.File{file}, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start producer: %w", err)
	}
	p.ended = make(chan error, 1)
	go func() {
		err := cmd.Wait()
		if err != nil { // the consumer would spin for ever
			fmt.Fprintln(os.Stderr, "gvisorpipe: producer ended early:", err)
			os.Exit(1)
		}
		p.ended <- nil
	}()
	return nil
}

// pin binds this thread to the first allowed CPU, or the second for the producer. With one CPU it binds nothing, and spinning yields.
func pin(producer bool) error {
	var allowed, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return fmt.Errorf("read the allowed cpus: %w", err)
	}
	if allowed.Count() < 2 {
		singleCPU = true
		return nil
	}
	skip := 0
	if producer {
		skip = 1
	}
	cpu := 0
	for ; !allowed.IsSet(cpu) || skip > 0; cpu++ {
		if allowed.IsSet(cpu) {
			skip--
		}
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("pin to cpu %d: %w", cpu, err)
	}
	return nil
}

// meet returns on both sides when both are ready.
func (p *pair) meet() {
	if p.producer {
		p.gate.producerReady.Store(1)
		for p.gate.consumerReady.Load() == 0 {
			relax(1)
		}
		return
	}
	for p.gate.producerReady.Load() == 0 {
		relax(1)
	}
	p.gate.consumerReady.Store(1)
}

func (p *pair) finish() error {
	if p.producer {
		return nil
	}
	return <-p.ended
}

// relax waits for n PAUSE instructions. With one CPU the other process can only run if this one gives way.
func relax(n uint32) {
	pause(n)
	if singleCPU {
		unix.Syscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
	}
}
