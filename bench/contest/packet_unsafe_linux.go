package contest

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// packetBatch is what sendmmsg and recvmmsg want: a header for each packet, which points to its bytes.
type packetBatch struct {
	heads []packetHead
	parts []unix.Iovec
	held  [][]byte // keeps the bytes alive
}

// packetHead is the kernel's struct mmsghdr.
type packetHead struct {
	unix.Msghdr
	length uint32 // bytes sent or received
}

func newPacketBatch(n int) *packetBatch {
	b := &packetBatch{heads: make([]packetHead, n), parts: make([]unix.Iovec, n)}
	for i := range b.heads {
		b.heads[i].Iov = &b.parts[i]
		b.heads[i].SetIovlen(1)
	}
	return b
}

// point has the headers point to these bytes, of which there are at most as many as headers.
func (b *packetBatch) point(bytes [][]byte) {
	b.held = bytes
	for i, p := range bytes {
		b.parts[i].Base = unsafe.SliceData(p)
		b.parts[i].SetLen(len(p))
	}
}

// length is that of packet i, after receive.
func (b *packetBatch) length(i int) int { return int(b.heads[i].length) }

// send sends packets from at to end-1 and returns how many went out.
func (b *packetBatch) send(fd, at, end int) (int, error) {
	heads := b.heads[at:end]
	n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(heads))), uintptr(len(heads)), unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// receive waits for a packet, and takes up to most if they are there.
func (b *packetBatch) receive(fd, most int) (int, error) {
	heads := b.heads[:most]
	n, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(heads))), uintptr(len(heads)), unix.MSG_WAITFORONE, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
