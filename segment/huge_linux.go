package segment

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A file's pages can become one huge page only where its mapping lies at a multiple of the huge page's size. The kernel puts
// mappings of shared memory anywhere, and mmap-go leaves the choice to it; so with HugePages the place is chosen here.

// hugePageSize is that of transparent huge pages, in bytes; 0 if there are none.
func hugePageSize() uint64 {
	b, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
	if err != nil {
		return 0
	}
	n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// alignedMapping has put map at an address that is a multiple of a huge page, and of exactly size bytes. It reserves a larger
// region first, so that nothing else can come to lie where map replaces it. It returns nil without error if there is nothing to
// gain.
func alignedMapping(size uint64, put func(at unsafe.Pointer) ([]byte, error)) ([]byte, error) {
	huge := hugePageSize()
	if huge == 0 || size < huge || size > 1<<62 {
		return nil, nil
	}
	page := uint64(os.Getpagesize())
	length := (size + page - 1) &^ (page - 1)
	total := uintptr(length + huge)
	base, err := unix.MmapPtr(-1, 0, nil, total, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserve %d bytes of addresses: %w", total, err)
	}
	before := -uintptr(base) & uintptr(huge-1)
	at := unsafe.Add(base, before)
	mem, err := put(at)
	if err != nil {
		unix.MunmapPtr(base, total)
		return nil, err
	}
	if before > 0 {
		unix.MunmapPtr(base, before)
	}
	if after := uintptr(huge) - before; after > 0 {
		unix.MunmapPtr(unsafe.Add(at, uintptr(length)), after)
	}
	return mem, nil
}

// mapFileAligned is mapFile at a place fit for huge pages.
func (s *Segment) mapFileAligned() error {
	size := s.header.SegmentSize
	mem, err := alignedMapping(size, func(at unsafe.Pointer) ([]byte, error) {
		prot := unix.PROT_READ
		if !s.readOnly {
			prot |= unix.PROT_WRITE
		}
		p, err := unix.MmapPtr(int(s.file.Fd()), 0, at, uintptr(size), prot, unix.MAP_SHARED|unix.MAP_FIXED)
		if err != nil {
			return nil, fmt.Errorf("map %d bytes: %w", size, err)
		}
		return unsafe.Slice((*byte)(p), int(size)), nil
	})
	s.mem, s.aligned = mem, mem != nil
	return err
}

// shmRemap is SHM_REMAP of the kernel's interface: attach in the place of what is mapped there.
const shmRemap = 0o40000

func shmAttachAligned(id int, size uint64, readOnly bool) ([]byte, error) {
	flags := shmRemap
	if readOnly {
		flags |= unix.SHM_RDONLY
	}
	return alignedMapping(size, func(at unsafe.Pointer) ([]byte, error) {
		mem, err := unix.SysvShmAttach(id, uintptr(at), flags)
		if err != nil {
			return nil, fmt.Errorf("shmat(%d, %p): %w", id, at, err)
		}
		return mem, nil
	})
}
