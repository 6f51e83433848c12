package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"unsafe"

	"github.com/edsrzf/mmap-go"
	"golang.org/x/sys/unix"

	"shmpipe/internal/ofd"
	"shmpipe/protocol"
)

// Segment is one attachment to a segment. Its methods may be called from several goroutines at once. The memory of [Segment.Bytes]
// belongs to it and goes with Close.
type Segment struct {
	backend  Backend
	readOnly bool
	path     string
	header   *protocol.Header
	obtained Obtained

	// dir and entry say where the name is: of the file, or of the lock file. dir is nil if there is none.
	dir   *directory
	entry string
	shmid int // SysV

	// mu is held for reading by whoever uses the mapping or a descriptor, so that Close cannot take them away meanwhile.
	mu     sync.RWMutex
	closed bool
	mem    []byte
	// aligned says that the mapping was not made by mmap-go, which would not know it.
	aligned bool
	// file is what the memory maps, or the lock file. Its description never holds a lease: asked through it, the kernel reports
	// everybody's.
	file *os.File
}

// Bytes is the whole mapping, valid until Close. Its beginning was checked, but other processes write to it at any time: read
// each word once and check what you read.
func (s *Segment) Bytes() []byte { return s.mem }

// Header is the checked copy of the header. The caller must not change it.
func (s *Segment) Header() *protocol.Header { return s.header }

// Name is the name without prefix.
func (s *Segment) Name() string { return s.header.Name }

// Backend says what holds the segment.
func (s *Segment) Backend() Backend { return s.backend }

// Path is for people: "/dev/shm/shmpipe.orders", "sysv:0x53a1b2c3" (the key), "memfd:orders".
func (s *Segment) Path() string { return s.path }

// Obtained says what came of the best-effort options.
func (s *Segment) Obtained() Obtained { return s.obtained }

// State loads the segment's state, one of protocol's State constants or a value that breaks the protocol. After Close it is
// StateRemoved.
func (s *Segment) State() uint32 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return protocol.StateRemoved
	}
	return loadState(s.mem)
}

// File gives a descriptor for handing to another process, which calls [OpenFile] with it. It is the caller's to close. Its
// description is its own, so nothing that is done to it touches this segment's locks. SysV has none: the error matches
// [errors.ErrUnsupported].
func (s *Segment) File() (*os.File, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return nil, s.errClosed("hand over")
	}
	if s.backend == SysV {
		return nil, fmt.Errorf("hand over segment %q (%s): a sysv segment has no descriptor; open it by name: %w", s.Name(), s.path, errors.ErrUnsupported)
	}
	fd := int(s.file.Fd())
	if s.dir != nil {
		// Opened by its name if that is still its own: the creator's descriptor is that of a file without a name, and the
		// receiver could not tell where the segment is.
		if st, err := fstat(fd); err == nil && s.dir.leadsTo(s.entry, st) {
			if f, got, err := s.dir.open(s.entry, accessMode(s.readOnly)); err == nil {
				if sameFile(st, got) {
					return f, nil
				}
				f.Close()
			}
		}
	}
	fd, err := ofd.Reopen(fd, accessMode(s.readOnly))
	if err != nil {
		return nil, s.wrap("hand over", err)
	}
	return os.NewFile(uintptr(fd), s.path), nil
}

// Close unmaps the segment. It may be called more than once. It does not release leases: do that first, after the last access
// to the bytes, because a lease tells others that somebody may still write.
func (s *Segment) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if err := s.discard(); err != nil {
		return s.wrap("close", err)
	}
	return nil
}

// discard lets go of everything that was obtained so far.
func (s *Segment) discard() error {
	var errs []error
	if s.mem != nil {
		errs = append(errs, s.unmap())
	}
	if s.file != nil {
		errs = append(errs, s.file.Close())
	}
	if s.dir != nil {
		errs = append(errs, s.dir.close())
	}
	return errors.Join(errs...)
}

func (s *Segment) unmap() error {
	mem := s.mem
	s.mem = nil
	if s.backend == SysV {
		return unix.SysvShmDetach(mem)
	}
	if s.aligned {
		return unix.MunmapPtr(unsafe.Pointer(unsafe.SliceData(mem)), uintptr(len(mem)))
	}
	m := mmap.MMap(mem)
	return m.Unmap()
}

// mapFile maps exactly the segment, whatever the size of its file.
func (s *Segment) mapFile(o Options) error {
	if o.HugePages {
		if err := s.mapFileAligned(); err != nil {
			return err
		}
		if s.aligned {
			return s.keepFromChildren()
		}
	}
	prot := mmap.RDWR
	if s.readOnly {
		prot = mmap.RDONLY
	}
	m, err := mmap.MapRegion(s.file, int(s.header.SegmentSize), prot, 0, 0)
	if err != nil {
		return fmt.Errorf("map %d bytes: %w", s.header.SegmentSize, err)
	}
	s.mem = m
	return s.keepFromChildren()
}

// keepFromChildren makes sure that a child that forks without exec does not have the memory: it would outlive the lease.
func (s *Segment) keepFromChildren() error {
	if err := unix.Madvise(s.mem, unix.MADV_DONTFORK); err != nil {
		return fmt.Errorf("madvise(MADV_DONTFORK) on %d bytes: %w", len(s.mem), err)
	}
	return nil
}

func (s *Segment) errClosed(op string) error {
	return fmt.Errorf("%s segment %q (%s): %w", op, s.Name(), s.path, os.ErrClosed)
}

func (s *Segment) wrap(op string, err error) error {
	return fmt.Errorf("%s segment %q (%s): %w", op, s.Name(), s.path, err)
}

func accessMode(readOnly bool) int {
	if readOnly {
		return unix.O_RDONLY
	}
	return unix.O_RDWR
}

func preader(fd int) func([]byte, int64) error {
	return func(p []byte, off int64) error {
		for len(p) > 0 {
			n, err := retry(func() (int, error) { return unix.Pread(fd, p, off) })
			if err != nil {
				return fmt.Errorf("read at offset %d: %w", off, err)
			}
			if n == 0 {
				return fmt.Errorf("read at offset %d: the file ends there, it was truncated meanwhile: %w", off, fs.ErrInvalid)
			}
			p, off = p[n:], off+int64(n)
		}
		return nil
	}
}
