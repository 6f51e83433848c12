package flipcall

import (
	"errors"
	"fmt"
	"math"
	"os"

	"gvisor.dev/gvisor/pkg/flipcall"

	"shmpipe/bench/trial"
)

// Transport is the contestant.
type Transport struct{}

// largest is how many bytes a message may have: the window has less than 4 GiB, in whole pages.
const largest = math.MaxUint32 - 1<<16

// window is how many bytes of shared memory a message needs.
func window(j trial.Job) (int, error) {
	if j.Size > largest {
		return 0, trial.Cannot{Why: fmt.Sprintf("messages of %d bytes: a window takes up to %d", j.Size, largest)}
	}
	return flipcall.PacketWindowLengthForDataCap(uint32(j.Size)), nil
}

// Create makes a window, which serves both directions.
func (Transport) Create(j trial.Job, _ int) (trial.Handle, error) {
	length, err := window(j)
	if err != nil {
		return nil, err
	}
	// The allocator holds nothing but the descriptor, which the file closes in its place.
	allocator, err := flipcall.NewPacketWindowAllocator()
	if err != nil {
		return nil, fmt.Errorf("make a packet window: %w", err)
	}
	f := os.NewFile(uintptr(allocator.FD()), "packet window")
	if _, err := allocator.Allocate(length); err != nil {
		return nil, errors.Join(fmt.Errorf("make a packet window of %d bytes: %w", length, err), f.Close())
	}
	h, err := newHandle(j, f, j.Mode == trial.RoundTrip)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return h, nil
}

// Open maps the window. The text is not used.
func (Transport) Open(j trial.Job, _ string, files []*os.File) (trial.Handle, error) {
	if len(files) != 1 {
		return nil, fmt.Errorf("got %d files, want 1", len(files))
	}
	return newHandle(j, files[0], j.Mode != trial.RoundTrip)
}

func newHandle(j trial.Job, f *os.File, client bool) (trial.Handle, error) {
	length, err := window(j)
	if err != nil {
		return nil, err
	}
	side := flipcall.ServerSide
	if client {
		side = flipcall.ClientSide
	}
	ep, err := flipcall.NewEndpoint(side, flipcall.PacketWindowDescriptor{FD: int(f.Fd()), Length: length})
	if err != nil {
		return nil, fmt.Errorf("open a packet window of %d bytes: %w", length, err)
	}
	return &handle{file: f, end: &end{ep: ep, client: client, data: ep.Data(), call: callOf(j, ep), total: totalOf(j), both: j.Mode == trial.RoundTrip,
		late: j.Mode == trial.First}}, nil
}

// callOf is how control goes to the other side and comes back.
func callOf(j trial.Job, ep *flipcall.Endpoint) func(uint32) (uint32, error) {
	if j.Blocks() {
		return ep.SendRecv
	}
	return ep.SendRecvFast
}

// totalOf is how many messages go one way.
func totalOf(j trial.Job) int {
	if j.Mode == trial.Idle || j.Mode == trial.First {
		return 1
	}
	return j.Count
}

// handle has one endpoint, which is receiver and sender.
type handle struct {
	file *os.File
	end  *end
}

func (h *handle) Files() []*os.File { return []*os.File{h.file} }
func (h *handle) Text() string      { return "" }

func (h *handle) Receiver(int) (trial.Receiver, error) { return h.end, h.end.connect() }
func (h *handle) Sender(int) (trial.Sender, error)     { return h.end, h.end.connect() }

func (h *handle) Close() error {
	h.end.ep.Shutdown()
	h.end.ep.Destroy()
	return h.file.Close()
}
