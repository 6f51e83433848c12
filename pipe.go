package shmpipe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"shmpipe/mqueue"
	"shmpipe/protocol"
	"shmpipe/segment"
)

// Pipe is a handle on a segment. Its methods are safe for concurrent use.
type Pipe struct {
	seg     *segment.Segment
	header  *protocol.Header
	opts    Options
	explain string // why this backend

	queue     *mqueue.Queue // instead of the segment
	queueMode Mode

	mu     sync.Mutex
	refs   int // this handle while it is open, and each endpoint: the mapping lives as long as one of them
	closed bool
	crews  map[int]*crew // of MPMC rings, by index
}

// Create makes a segment and gives it the name. The error matches fs.ErrExist if the name is taken, fs.ErrInvalid if the name or
// the geometry cannot be, and syscall.ENOSPC if the memory is not to be had: all of it is allocated here, so that nothing can
// fail later. With the backend Memfd the name is only a label.
//
// With a message queue, the capacity and what else a queue cannot do are what its limits allow: see [Info].
func Create(name string, geo Geometry, opts *Options) (*Pipe, error) {
	if o := opts.withDefaults(); o.Backend != Auto {
		return create(name, geo, o)
	} else {
		return createAuto(name, geo, o)
	}
}

func create(name string, geo Geometry, o Options) (*Pipe, error) {
	if o.Backend.Queue() {
		return createQueue(name, geo, o)
	}
	if err := protocol.HostSupported(); err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	h, err := geo.header()
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	if o.Transient {
		h.Flags |= protocol.FlagTransient
	}
	seg, err := segment.Create(o.Backend.segment(), name, h, o.segment())
	if err != nil {
		return nil, err
	}
	return newPipe(seg, o), nil
}

// Open attaches to an existing segment. The error matches fs.ErrNotExist, fs.ErrPermission, ErrNotSegment, ErrNotReady, ErrVersion
// or ErrCorrupt.
func Open(name string, opts *Options) (*Pipe, error) {
	if o := opts.withDefaults(); o.Backend != Auto {
		return open(name, o)
	} else {
		return openAuto(name, o)
	}
}

func open(name string, o Options) (*Pipe, error) {
	if o.Backend.Queue() {
		return openQueue(name, o)
	}
	if err := protocol.HostSupported(); err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	seg, err := segment.Open(o.Backend.segment(), name, o.segment())
	if err != nil {
		return nil, remedy(err, name, o.Backend)
	}
	return newPipe(seg, o), nil
}

// OpenOrCreate opens the segment, or makes it if the name is absent. Several processes may call it at once: one of them makes
// it. An existing segment keeps its own geometry; see [Pipe.Info].
func OpenOrCreate(name string, geo Geometry, opts *Options) (*Pipe, error) {
	for end := time.Now().Add(openOrCreatePatience); ; time.Sleep(time.Millisecond) {
		p, err := Open(name, opts)
		if err == nil || !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, ErrNotReady) { // Create clears what a dead creator left
			return p, err
		}
		p, err = Create(name, geo, opts)
		if err == nil || !errors.Is(err, fs.ErrExist) || time.Now().After(end) {
			return p, err
		}
		// Somebody made it in between. If it is removed in between as well, go round again, but not for ever: what is in the way may be
		// nothing that can be opened, such as another program's SysV segment under the same key.
	}
}

// openOrCreatePatience is how long OpenOrCreate tries to make sense of a name that is both absent and taken.
const openOrCreatePatience = 2 * time.Second

// OpenFile attaches to the segment that f is open on, as another process's [Pipe.File] gave it. F remains the caller's and may be
// closed at once.
func OpenFile(f *os.File, opts *Options) (*Pipe, error) {
	o := opts.withDefaults()
	if err := protocol.HostSupported(); err != nil {
		return nil, fmt.Errorf("open segment from descriptor: %w", err)
	}
	seg, err := segment.OpenFile(f, o.segment())
	if err != nil {
		return nil, err
	}
	return newPipe(seg, o), nil
}

// Remove removes a segment's name and, once nobody has it mapped, its memory. While a live participant is attached, the error
// matches ErrBusy, unless force is set; then those who are attached go on among themselves.
func Remove(name string, force bool, opts *Options) error {
	if o := opts.withDefaults(); o.Backend != Auto {
		return remove(name, force, o)
	} else {
		return removeAuto(name, force, o)
	}
}

func remove(name string, force bool, o Options) error {
	if o.Backend.Queue() {
		return mqueue.Remove(o.Backend.queue(), name, o.queue(), force)
	}
	return segment.Remove(o.Backend.segment(), name, o.segment(), force)
}

func newPipe(seg *segment.Segment, o Options) *Pipe {
	return &Pipe{seg: seg, header: seg.Header(), opts: o, refs: 1, explain: askedFor(fromSegment(seg.Backend()))}
}

func askedFor(b Backend) string { return fmt.Sprintf("backend %v: asked for", b) }

// where names the pipe in errors: the path of its segment or queue.
func (p *Pipe) where() string {
	if p.queue == nil {
		return p.seg.Path()
	}
	info, err := p.queue.Info()
	if err != nil {
		return p.opts.Backend.String()
	}
	return info.Path
}

// File returns a new descriptor of the segment, for another process to open with [OpenFile]: through exec.Cmd.ExtraFiles or a
// Unix socket. The caller closes it. Segments of the backend SysV have none.
func (p *Pipe) File() (*os.File, error) {
	if err := p.acquire(); err != nil {
		return nil, err
	}
	defer p.release()
	if p.queue != nil {
		return nil, fmt.Errorf("descriptor of %s: a message queue is opened by name: %w", p.where(), errors.ErrUnsupported)
	}
	return p.seg.File()
}

// Producer takes a producer's role of the first ring; see [Pipe.ProducerOf].
func (p *Pipe) Producer() (*Producer, error) { return p.ProducerOf(0) }

// Consumer takes a consumer's role of the first ring; see [Pipe.ConsumerOf].
func (p *Pipe) Consumer() (*Consumer, error) { return p.ConsumerOf(0) }

// Close gives up the handle. Endpoints stay usable, and the memory stays mapped until the last of them is closed. Closing again
// does nothing.
func (p *Pipe) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.mu.Unlock()
	return p.release()
}

// acquire adds a reference that keeps the memory mapped.
func (p *Pipe) acquire() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	p.refs++
	return nil
}

// keep adds a reference as long as there is one: the handle may be closed, but the memory is mapped. It reports whether it is.
func (p *Pipe) keep() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refs == 0 {
		return false
	}
	p.refs++
	return true
}

// release drops a reference; the last one unmaps.
func (p *Pipe) release() error {
	p.mu.Lock()
	p.refs--
	last := p.refs == 0
	p.mu.Unlock()
	if !last {
		return nil
	}
	if p.queue != nil {
		return p.queue.Close()
	}
	return p.seg.Close()
}

// mode is the mode of a ring; 0 if there is none of that index.
func (p *Pipe) mode(i int) Mode {
	if p.queue != nil {
		return p.queueMode
	}
	if i < 0 || i >= len(p.header.Rings) {
		return 0
	}
	return p.header.Rings[i].Mode
}

// ring returns the geometry of a ring.
func (p *Pipe) ring(i int) (protocol.Ring, error) {
	if i < 0 || i >= len(p.header.Rings) {
		return protocol.Ring{}, fmt.Errorf("%s: ring %d asked for, it has %d: %w", p.seg.Path(), i, len(p.header.Rings), fs.ErrInvalid)
	}
	return p.header.Rings[i], nil
}
